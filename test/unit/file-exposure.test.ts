import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { loadConfig } from '../../src/config/config.ts'
import { exposedFiles } from '../../src/process/file-exposure.ts'
import { temporaryFolder } from '../support/process.ts'

const folder = temporaryFolder()
const database = join(folder, 'latchkey.db')
const key = join(folder, 'a.key')
const clientKey = join(folder, 'client.key')
const files = [database, `${database}-wal`, `${database}-shm`, key, clientKey]
for (const file of files) writeFileSync(file, '')

const APP_SECRET = 'a secret that only the tests of this repository use'
const tls = { TLS_CERT: join(folder, 'a.crt'), TLS_KEY: key }
const sqlite = loadConfig({ APP_SECRET, ...tls, DATABASE_URL: `sqlite:${database}` })
const postgresql = loadConfig({
  APP_SECRET,
  DATABASE_URL: `postgres://u@h/x?sslmode=require&sslcert=a.crt&sslkey=${clientKey}`,
})

function giveMode(mode: number): void {
  for (const file of files) chmodSync(file, mode)
}

describe('a file with secrets', () => {
  it.each([0o600, 0o400, 0o700])('is not reported with the mode %o', (mode) => {
    giveMode(mode)
    expect([...exposedFiles(sqlite), ...exposedFiles(postgresql)]).toEqual([])
  })

  it.each([
    [0o644, 'all users of this machine. Run: chmod o-rwx'],
    [0o604, 'all users of this machine. Run: chmod o-rwx'],
    [0o602, 'all users of this machine. Run: chmod o-rwx'],
    [0o640, 'its group. Run: chmod go-rwx'],
    [0o620, 'its group. Run: chmod go-rwx'],
  ])('is reported with the mode %o', (mode, whose) => {
    giveMode(mode)
    const warning = (file: string) => `${file} can be read or written by ${whose} ${file}`
    expect(exposedFiles(sqlite)).toEqual(
      [key, database, `${database}-wal`, `${database}-shm`].map(warning),
    )
    expect(exposedFiles(postgresql)).toEqual([warning(clientKey)])
  })
})
