import { DriverException } from '@mikro-orm/core'
import Sqlite from 'better-sqlite3'
import { describe, expect, it } from 'vitest'
import { createLogger } from '../../src/logging/logger.ts'

const secret = 'hunter2'

function logged(err: unknown): {
  text: string
  entry: { level: string; err: Record<string, unknown> }
} {
  let text = ''
  createLogger('info', { write: (line) => void (text += line) }).error({ err }, 'Failed')
  return { text, entry: JSON.parse(text) }
}

const driverError = (message: string, extras: object = {}) =>
  new DriverException(Object.assign(new Error(message), extras))

describe('an error in the log', () => {
  // What PostgreSQL and SQLite say of a statement; the ORM appends the detail.
  it.each([
    [
      driverError('no such table: identities', { code: 'SQLITE_ERROR' }),
      'no such table: identities',
    ],
    [
      driverError(`unrecognized token: "'${secret}"`, { code: 'SQLITE_ERROR' }),
      'unrecognized token: …',
    ],
    [driverError(`near "${secret}"x": syntax error`), 'near …: syntax error'],
    [
      driverError(`invalid input syntax for type uuid: "${secret}"`, { code: '22P02' }),
      'invalid input syntax for type uuid: …',
    ],
    [
      driverError(
        `duplicate key value violates unique constraint "users"\n - detail: Key (email)=("${secret}) already exists.`,
      ),
      'duplicate key value violates unique constraint …',
    ],
    [
      Object.assign(new Error(`invalid input syntax for type uuid: "${secret}"`), {
        code: '22P02',
        detail: secret,
        where: secret,
      }),
      'invalid input syntax for type uuid: …',
    ],
    [new Error('Outer', { cause: driverError(`near "${secret}"`) }), 'Outer'],
  ])('is without the values of a statement: %s', (error, message) => {
    const { text, entry } = logged(error)
    expect(text).not.toContain(secret)
    expect(entry.err['message']).toBe(message)
    expect(entry.err['stack']).toMatch(/\n? +at /)
  })

  it('is without the values of a statement that SQLite refuses', () => {
    const database = new Sqlite(':memory:')
    for (const statement of [
      `select '${secret}`,
      `select 1 "${secret}" "x"`,
      `select 1 '${secret}\0'`,
    ]) {
      expect(() => database.prepare(statement)).toThrow(
        expect.toSatisfy((error: Error) => {
          const { text } = logged(error)
          return error.message.length > 0 && text.includes('SQLITE_ERROR') && !text.includes(secret)
        }),
      )
    }
    database.close()
  })

  it('keeps what a program says of itself, with its cause and code', () => {
    const cause = Object.assign(new Error('connect ECONNREFUSED 10.0.0.7'), {
      code: 'ECONNREFUSED',
    })
    const { entry } = logged(new Error('The server "b" is away', { cause }))
    expect(entry).toMatchObject({
      level: 'error',
      msg: 'Failed',
      err: {
        type: 'Error',
        message: 'The server "b" is away',
        stack: expect.stringContaining('logger.test.ts'),
        cause: { code: 'ECONNREFUSED', message: 'connect ECONNREFUSED 10.0.0.7' },
      },
    })
  })

  it('is distinguished from what was thrown without being one', () => {
    for (const thrown of [secret, null, { password: secret }, undefined]) {
      expect(logged(thrown).text).not.toContain(secret)
    }
  })
})
