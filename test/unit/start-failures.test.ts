import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { databaseOptions } from '../../src/commands/database-options.ts'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createApp } from '../../src/app.ts'
import { openDatabase } from '../../src/database/database.ts'
import { loadSettings } from '../../src/process/settings.ts'
import { describeStartError } from '../../src/process/start-error.ts'
import { freePort } from '../support/free-port.ts'
import { needs } from '../support/needs.ts'
import { isRoot, startProcess, temporaryFolder } from '../support/process.ts'

const APP_SECRET = 'canary: a secret that only the tests use'

type Environment = Record<string, string>

interface Failure {
  /** Prepares the folder that the server starts in; gives the environment. */
  readonly prepare: (folder: string) => Promise<Environment> | Environment
  /** What the user is told. */
  readonly says: RegExp[]
  /** Needs a process of its own: for its exit status, its folder, or a user whom file modes bind. */
  readonly process?: 'any' | 'bound'
}

let busy: Server
beforeAll(async () => {
  busy = createServer()
  await new Promise<void>((resolve) => {
    busy.listen(0, '127.0.0.1', resolve)
  })
})
afterAll(() => void busy.close())
const busyPort = () => (busy.address() as AddressInfo).port

/** A database with enough in it to have a middle. */
async function makeDatabase(folder: string): Promise<string> {
  const file = join(folder, 'data', 'latchkey.db')
  const database = await openDatabase({ engine: 'sqlite', file }, databaseOptions, () => {})
  await database.migrate()
  for (let row = 0; row < 300; row++) {
    const key = `${row} ${'x'.repeat(50)}`
    await sql`insert into attempt_counters values (${key}, 0, 0, 0)`.execute(database.kysely)
  }
  await database.close()
  return file
}

const failures: Record<string, Failure> = {
  'a configuration that is wrong in several places': {
    process: 'any',
    prepare: () => ({
      HOST: '0.0.0.0',
      PORT: 'canary',
      PUBLIC_URL: 'http://canary.example.com',
      DATABASE_URL: 'mysql://root:canary@localhost/x',
      BCRYPT_COST: 'canary',
    }),
    says: [
      /PORT must be/,
      /PUBLIC_URL must be/,
      /DATABASE_URL must be/,
      /BCRYPT_COST must be/,
      /APP_SECRET must be given when HOST is not loopback/,
    ],
  },
  'a database file that is something else': {
    process: 'any',
    prepare: (folder) => {
      mkdirSync(join(folder, 'data'))
      writeFileSync(join(folder, 'data', 'latchkey.db'), 'a letter to canary\n'.repeat(1000))
      return { APP_SECRET }
    },
    says: [/data\/latchkey\.db cannot be used: it is not a SQLite database/, /Restore a backup/],
  },
  'a database file that is damaged in the middle': {
    prepare: async (folder) => {
      const file = await makeDatabase(folder)
      const bytes = readFileSync(file)
      bytes.fill(0xa5, Math.floor(bytes.length / 2), Math.floor(bytes.length / 2) + 8192)
      writeFileSync(file, bytes)
      return { APP_SECRET }
    },
    says: [/data\/latchkey\.db cannot be used: it is damaged\. Restore a backup/],
  },
  'a database file that was cut off': {
    prepare: async (folder) => {
      const file = await makeDatabase(folder)
      writeFileSync(file, readFileSync(file).subarray(0, 20_000))
      return { APP_SECRET }
    },
    says: [/data\/latchkey\.db cannot be used: it is damaged\. Restore a backup/],
  },
  'a folder for a database file': {
    prepare: (folder) => {
      mkdirSync(join(folder, 'data', 'latchkey.db'), { recursive: true })
      return { APP_SECRET }
    },
    says: [/data\/latchkey\.db cannot be used: it is a folder/],
  },
  'a folder for a database file, and no secret': {
    process: 'any',
    prepare: (folder) => {
      mkdirSync(join(folder, 'data', 'latchkey.db'), { recursive: true })
      return {}
    },
    says: [/data\/latchkey\.db cannot be used: it is a folder\. Name a file in it\.$/m],
  },
  'a folder that DATABASE_URL names': {
    prepare: (folder) => ({ DATABASE_URL: `sqlite:${folder}/` }),
    says: [/cannot be used: it is a folder\. Name a file in it\.$/],
  },
  'a database file that is something else, and no secret': {
    prepare: (folder) => {
      mkdirSync(join(folder, 'data'))
      writeFileSync(join(folder, 'data', 'latchkey.db'), 'a letter')
      return {}
    },
    says: [/data\/latchkey\.db cannot be used: it is not a SQLite database/],
  },
  'a device for a database file': {
    prepare: () => ({ APP_SECRET, DATABASE_URL: 'sqlite:/dev/null' }),
    says: [/\/dev\/null cannot be used: it is a device, a pipe or a socket\.$/],
  },
  'a database file of another application': {
    prepare: (folder) => {
      const file = join(folder, 'other.db')
      const other = new Sqlite(file)
      other.exec('create table users (id int); create table orders (id int)')
      other.close()
      return { APP_SECRET, DATABASE_URL: `sqlite:${file}` }
    },
    says: [
      /other\.db cannot be used: it belongs to another application, which has tables with the names users\./,
    ],
  },
  'a file for the folder of the database': {
    prepare: (folder) => {
      writeFileSync(join(folder, 'data'), '')
      return { APP_SECRET }
    },
    says: [/data\/latchkey\.db cannot be used: its folder is a file/],
  },
  'a file for the folder of database and secret': {
    process: 'any',
    prepare: (folder) => {
      writeFileSync(join(folder, 'data'), '')
      return {}
    },
    says: [/The secret data\/latchkey\.secret cannot be created: its folder is a file/],
  },
  'a database where no folder can be created': {
    process: 'any',
    prepare: () => ({ APP_SECRET, DATABASE_URL: 'sqlite:/proc/nowhere/latchkey.db' }),
    says: [/\/proc\/nowhere\/latchkey\.db cannot be used: its folder cannot be created/],
  },
  'a database and a secret where no folder can be created': {
    process: 'any',
    prepare: () => ({ DATABASE_URL: 'sqlite:/proc/nowhere/latchkey.db' }),
    says: [/\/proc\/nowhere\/latchkey\.secret cannot be created: its folder cannot be created/],
  },
  'a database file that may only be read': {
    process: 'bound',
    prepare: async (folder) => {
      chmodSync(await makeDatabase(folder), 0o400)
      return { APP_SECRET }
    },
    says: [/data\/latchkey\.db cannot be used: this user may not open or create it/],
  },
  'a database folder that may only be read': {
    process: 'bound',
    prepare: async (folder) => {
      await makeDatabase(folder)
      chmodSync(join(folder, 'data'), 0o500)
      return { APP_SECRET }
    },
    says: [/data\/latchkey\.db cannot be used: it (cannot be opened|is read-only)/],
  },
  'a working folder in which nothing may be made': {
    process: 'bound',
    prepare: (folder) => {
      chmodSync(folder, 0o500)
      return {}
    },
    says: [
      /The secret data\/latchkey\.secret cannot be created: this user has no permission for that/,
    ],
  },
  'a secret that this user may not read': {
    process: 'bound',
    prepare: async (folder) => {
      await makeDatabase(folder)
      writeFileSync(join(folder, 'data', 'latchkey.secret'), APP_SECRET, { mode: 0o000 })
      return {}
    },
    says: [
      /The secret data\/latchkey\.secret cannot be read: this user has no permission for that/,
    ],
  },
  'a secret that others can read': {
    prepare: async (folder) => {
      await makeDatabase(folder)
      const file = join(folder, 'data', 'latchkey.secret')
      writeFileSync(file, APP_SECRET)
      chmodSync(file, 0o640)
      return {}
    },
    says: [
      /data\/latchkey\.secret can be read by others\. Run: chmod 600 .*data\/latchkey\.secret/,
    ],
  },
  'a secret that is cut off': {
    prepare: async (folder) => {
      await makeDatabase(folder)
      writeFileSync(join(folder, 'data', 'latchkey.secret'), APP_SECRET.slice(0, 20), {
        mode: 0o600,
      })
      return {}
    },
    says: [/data\/latchkey\.secret holds fewer than 32 bytes\. Restore it from a backup/],
  },
  'another secret than the one that was created next to the database': {
    process: 'any',
    prepare: async (folder) => {
      const file = join(folder, 'data', 'latchkey.db')
      const app = await createApp(
        loadSettings({ PORT: '0', LOG_LEVEL: 'silent', DATABASE_URL: `sqlite:${file}` }),
      )
      await app.close()
      return { APP_SECRET }
    },
    says: [
      /encrypted under another APP_SECRET/,
      /Set APP_SECRET to the text of data\/latchkey\.secret, or unset it\.[^]*npm run keys -- reset/,
    ],
  },
  'a database whose secret is lost': {
    process: 'any',
    prepare: async (folder) => {
      await makeDatabase(folder)
      rmSync(join(folder, 'data', 'latchkey.secret'), { force: true })
      return {}
    },
    says: [
      /data\/latchkey\.secret is missing, but the database data\/latchkey\.db is there/,
      /Restore the file from a backup/,
      /npm run keys -- reset/,
    ],
  },
  'a port that is in use': {
    process: 'any',
    prepare: () => ({ PORT: String(busyPort()) }),
    says: [/port \d+ of 127\.0\.0\.1 is in use\. Stop the other program, or set PORT/],
  },
  'a host that nobody knows': {
    prepare: () => ({ HOST: 'no-such-host.invalid', APP_SECRET }),
    says: [/this machine has no such address\. Set HOST/],
  },
  'an address of another machine': {
    prepare: () => ({ HOST: '192.0.2.1', APP_SECRET }),
    says: [/this machine has no such address\. Set HOST/],
  },
  'a PostgreSQL server that is not there': {
    process: 'any',
    prepare: async () => ({
      APP_SECRET,
      DATABASE_URL: `postgres://latchkey:canary@127.0.0.1:${await freePort()}/latchkey`,
    }),
    says: [
      /The PostgreSQL server of DATABASE_URL cannot be used: nothing listens on 127\.0\.0\.1:\d+\. Start the server, or correct the host and the port \(ECONNREFUSED\)\.$/m,
    ],
  },
  'a PostgreSQL server whose name nobody knows': {
    prepare: () => ({
      APP_SECRET,
      DATABASE_URL: 'postgres://latchkey:canary@no-such-host.invalid/latchkey',
    }),
    says: [
      /The PostgreSQL server of DATABASE_URL cannot be used: its host no-such-host\.invalid cannot be found\. Correct the host, or check DNS \((ENOTFOUND|EAI_AGAIN)\)\.$/,
    ],
  },
  'a PostgreSQL server that is not named, nor its database': {
    process: 'any',
    prepare: () => ({ APP_SECRET, DATABASE_URL: 'postgres://latchkey:p@ss#canary@localhost' }),
    says: [/DATABASE_URL must be .*postgres:\/\/user:password@host:port\/database, with special/],
  },
  'an .env that is a folder': {
    process: 'any',
    prepare: (folder) => {
      mkdirSync(join(folder, '.env'))
      return {}
    },
    says: [/\.env cannot be read/],
  },
}

/** What a start in this process would end with; src/main.ts prints it. */
async function explainFailure(folder: string, env: Environment): Promise<string> {
  try {
    const file = join(folder, 'data', 'latchkey.db')
    const app = await createApp(loadSettings({ PORT: '0', DATABASE_URL: `sqlite:${file}`, ...env }))
    await app.close()
    return ''
  } catch (error) {
    return describeStartError(error)
  }
}

const isWord = (text: string) =>
  text.startsWith('Latchkey could not start') && !/\n\s+at |canary/.test(text)

describe('a start with', () => {
  const own = Object.entries(failures).filter(([, failure]) => failure.process === undefined)

  it.each(own)('%s says what to do', async (_name, failure) => {
    const folder = temporaryFolder()
    const text = await explainFailure(folder, await failure.prepare(folder))
    for (const sentence of failure.says) expect(text).toMatch(sentence)
    expect([text, isWord(text)]).toEqual([text, true])
  })
})

describe.concurrent('a process with', () => {
  for (const [name, failure] of Object.entries(failures)) {
    const { prepare, process: kind, says } = failure
    if (kind === undefined) continue
    const options = kind === 'bound' && isRoot ? needs('setpriv') : {}
    // oxlint-disable-next-line vitest/expect-expect -- concurrent tests have an expect of their own
    it(`${name} ends with status 1 and says what to do`, options, async ({ expect: its }) => {
      const folder = temporaryFolder()
      const env = await prepare(folder)
      const server = startProcess(folder, env, { isBound: kind === 'bound' })
      its(await server.ended).toBe(1)
      const text = server.stderr()
      for (const sentence of says) its(text).toMatch(sentence)
      its([text, isWord(text)]).toEqual([text, true])
      its(server.stdout()).toBe('')
    })
  }
})
