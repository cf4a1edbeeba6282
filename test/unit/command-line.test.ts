// What the operators' commands say about a command line that is wrong, and about files that cannot be used.
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { operatorOf } from '../support/command.ts'
import { createTestDatabase } from '../support/database.ts'
import { needs } from '../support/needs.ts'
import { isRoot, temporaryFolder } from '../support/process.ts'

type Operator = ReturnType<typeof operatorOf>

const commands: [name: string, run: (operator: Operator, ...args: string[]) => Promise<unknown>][] =
  [
    ['user', (operator, ...args) => operator.user(args)],
    ['keys', (operator, ...args) => operator.keys(args)],
    ['events', (operator, ...args) => operator.events(args)],
    ['db:migrate', (operator, ...args) => operator.migrate(args)],
    ['db:backup', (operator, ...args) => operator.backup(...args)],
    ['db:restore', (operator, ...args) => operator.restore(...args)],
  ]

describe.each(commands)('npm run %s', (name, run) => {
  const nowhere = operatorOf({ database: { url: 'nonsense' } })
  const usage = new RegExp(`^Usage: npm run ${name}`)

  it.each(['--help', '-h'])('prints its usage with status 0, given %s', async (option) => {
    expect(await run(nowhere, option)).toEqual({
      status: 0,
      stdout: expect.stringMatching(usage),
      stderr: '',
    })
  })

  it.each([
    [['--bogus'], 'There is no option --bogus.'],
    [
      ['one', 'two', 'three'],
      name === 'events' || name === 'db:migrate'
        ? 'Unexpected argument: one'
        : 'Unexpected argument: two',
    ],
  ])('says what is wrong with %j, and prints its usage', async (args, sentence) => {
    const result = (await run(nowhere, ...args)) as { stderr: string }
    expect(result).toMatchObject({ status: 1, stdout: '' })
    const [first, empty, ...rest] = result.stderr.split('\n')
    expect([first, empty]).toEqual([sentence, ''])
    expect(rest.join('\n')).toMatch(usage)
  })
})

it.each([
  ['user', ['list']],
  ['keys', ['list']],
  ['events', []],
] as const)(
  'npm run %s says what is wrong with DATABASE_URL, not with a start',
  async (name, args) => {
    const { status, stderr } = await operatorOf({ database: { url: 'nonsense' } })[name](args)
    expect(status).toBe(1)
    expect(stderr).toContain('DATABASE_URL must be')
    expect(stderr).not.toContain('could not start')
  },
)

describe('npm run db:backup and db:restore', () => {
  async function prepare(options = {}, env = {}) {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'file'), 'text')
    mkdirSync(join(folder, 'folder'))
    mkdirSync(join(folder, 'closed'))
    chmodSync(join(folder, 'closed'), 0o500)
    const database = await createTestDatabase()
    onTestFinished(() => database.remove())
    await operatorOf({ database }).migrate()
    return { folder, operator: operatorOf({ database }, env, options) }
  }

  it.each([
    ['backup', 'missing/x', 'There is no folder FOLDER/missing.'],
    ['backup', 'file/x', 'FOLDER/file is not a folder.'],
    ['backup', 'folder', 'FOLDER/folder is there already.'],
    ['restore', 'missing/x', 'There is no FOLDER/missing/x.'],
    ['restore', 'file/x', 'There is no FOLDER/file/x.'],
    ['restore', 'folder', 'FOLDER/folder is a folder, not a backup.'],
  ] as const)('%s says in a sentence what is wrong with %s', async (command, path, sentence) => {
    const { folder, operator } = await prepare()
    expect(await operator[command](join(folder, path))).toEqual({
      status: 1,
      stdout: '',
      stderr: `${sentence.replace('FOLDER', folder)}\n`,
    })
  })

  it.each(['backup', 'restore'] as const)('%s takes no empty name', async (command) => {
    const { operator } = await prepare()
    expect(await operator[command]('')).toEqual({
      status: 1,
      stdout: '',
      stderr: 'FILE is empty: name a file.\n',
    })
  })

  it('say when this user may not write there', isRoot ? needs('setpriv') : {}, async () => {
    const { folder, operator } = await prepare({ isBound: true })
    const closed = join(folder, 'closed')
    expect(await operator.backup(join(closed, 'backup'))).toMatchObject({
      status: 1,
      stderr: `This user may not write to ${closed}.\n`,
    })
    const backup = join(folder, 'backup')
    expect(await operator.backup(backup)).toMatchObject({ status: 0 })
    const elsewhere = { database: { url: `sqlite:${join(closed, 'latchkey.db')}` } }
    expect(await operatorOf(elsewhere, {}, { isBound: true }).restore(backup)).toMatchObject({
      status: 1,
      stderr: `The database file ${join(closed, 'latchkey.db')} cannot be used: this user may not open or create it.\n`,
    })
  })

  it('understand a relative name as of the folder in which npm was called', async () => {
    const called = temporaryFolder()
    const { operator } = await prepare({}, { INIT_CWD: called, npm_lifecycle_event: 'db:backup' })
    const { status, stdout } = await operator.backup('backup')
    expect(status).toBe(0)
    expect(stdout).toContain(`The backup is in ${join(called, 'backup')}.`)
    expect(existsSync(join(called, 'backup'))).toBe(true)
    expect(await operator.restore('backup')).toMatchObject({ status: 0 })
  })
})
