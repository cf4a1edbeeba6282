import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readEnvFile } from '../../src/process/env-file.ts'
import { temporaryFolder } from '../support/process.ts'

function read(content: string | Buffer) {
  const file = join(temporaryFolder(), '.env')
  writeFileSync(file, content)
  return readEnvFile(file)
}

const text = 'DATABASE_URL=sqlite:people.db\nREGISTRATION="closed"\n'
const variables = { DATABASE_URL: 'sqlite:people.db', REGISTRATION: 'closed' }
const bigEndian = (content: string) => Buffer.from(content, 'utf16le').swap16()

describe('.env', () => {
  it.each<[what: string, content: string | Buffer]>([
    ['as it is', text],
    ['with a byte order mark', `\ufeff${text}`],
    ['with the line ends of Windows', text.replaceAll('\n', '\r\n')],
    ['with both', `\ufeff${text.replaceAll('\n', '\r\n')}`],
    ['with the line ends of old Macs', text.replaceAll('\n', '\r')],
    ['in UTF-16', Buffer.from(`\ufeff${text}`, 'utf16le')],
    ['in UTF-16, big-endian', bigEndian(`\ufeff${text}`)],
    ['without a line end', text.trimEnd()],
    ['with export', text.replaceAll(/^/gm, 'export ').replace(/export $/, '')],
  ])('is read %s', (_what, content) => {
    expect(read(content)).toEqual({ variables, warnings: [] })
  })

  it.each([
    ['in UTF-16 without a byte order mark', Buffer.from(text, 'utf16le')],
    ['in Latin-1', Buffer.from('BRAND_NAME=Söhne\n', 'latin1')],
    ['with NUL', 'APP_SECRET=a\0b\n'],
  ])('is refused %s', (_what, content) => {
    expect(() => read(content)).toThrow('it must be text in UTF-8')
  })

  it('keeps a value of several lines, and its line ends', () => {
    const key = '-----BEGIN PRIVATE KEY-----\nabc#def\nnot an assignment\n-----END PRIVATE KEY-----'
    for (const content of [`A="${key}"\nB=1\n`, `A="${key}"\nB=1\n`.replaceAll('\n', '\r\n')]) {
      expect(read(content)).toEqual({ variables: { A: key, B: '1' }, warnings: [] })
    }
  })

  it.each([
    ['APP_SECRET: canary', ', line 3, was not read: it is not NAME=value.'],
    ['canary', ', line 3, was not read: it is not NAME=value.'],
    ['SECRET=can#ary', ': SECRET ends before its #. Put its value in quotes if # is a part of it.'],
    ['COLOR=#canary', ': COLOR ends before its #. Put its value in quotes if # is a part of it.'],
    ['A=canary', ': A is set twice, and only the last value counts.'],
  ])('is read with a warning for %s', (line, warning) => {
    const { warnings } = read(
      `# A comment, isn't it: A='\nA="1\n2"`.replace('\n2', '') +
        `\n${line}\nB=1 # comment\nC="#"\n`,
    )
    expect(warnings).toEqual([expect.stringContaining(`.env${warning}`)])
    expect(warnings.join()).not.toContain('canary')
  })
})
