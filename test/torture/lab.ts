/** What a scenario gets to work with, and what it refunds. */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import type { Need } from '../support/needs.ts'
import { startPostgresql, type PostgresqlServer } from '../support/postgresql.ts'
import { createDatabaseAt, queryPostgresql } from '../support/postgresql-client.ts'
import { randomOf, type Random } from '../support/random.ts'
import { startInstance, type Instance, type InstanceOptions } from './instance.ts'

export type Engine = 'sqlite' | 'postgresql'
export const engines: readonly Engine[] = ['sqlite', 'postgresql']

/** A database of a scenario's own. */
export interface LabDatabase {
  readonly engine: Engine
  /** For DATABASE_URL. */
  readonly url: string
  /** Runs a statement past the server. */
  query(sql: string): Promise<Record<string, unknown>[]>
}

export interface Lab {
  readonly engine: Engine
  readonly seed: number
  readonly random: Random
  /** How often the scenario does what it is about. */
  readonly rounds: number
  /** Makes an empty database. */
  createDatabase(): Promise<LabDatabase>
  /** Starts an instance, which is killed at the end of the scenario if it still runs. */
  start(database: LabDatabase, options?: Omit<InstanceOptions, 'databaseUrl'>): Promise<Instance>
  /** PostgreSQL alone: ends the database's server as a crash does, and starts it again. */
  restartDatabaseServer(): Promise<void>
  /** Runs at the end of the scenario, the last one first. */
  onEnd(work: () => unknown): void
  /** Says how far it is. */
  progress(text: string): void
}

export interface Report {
  /** What was done and seen, by name. */
  readonly counts: Readonly<Record<string, number | string>>
  /** What must not have happened; empty when all is well. */
  readonly violations: readonly string[]
}

export interface Scenario {
  readonly name: string
  /** One sentence: what it shows. */
  readonly shows: string
  readonly engines: readonly Engine[]
  /** How many rounds the short form has, and the long. */
  readonly rounds: { readonly short: number; readonly long: number }
  /** What it needs of the machine. */
  readonly needs?: readonly Need[]
  run(lab: Lab): Promise<Report>
}

export const needsOf = (scenario: Scenario, engine: Engine): Need[] => [
  ...(scenario.needs ?? []),
  ...(engine === 'postgresql' ? (['PostgreSQL from npm'] as const) : []),
]

/** What is asked of a database that users trust: what was committed has reached the disk. */
const durableSettings = [
  'max_connections=100',
  'fsync=on',
  'synchronous_commit=on',
  'full_page_writes=on',
]

/** The database servers of one run: PostgreSQL is started when it is first needed. */
export class Laboratory {
  #postgresql: Promise<PostgresqlServer> | undefined

  /** Runs one scenario and cleans up after it. */
  async run(
    scenario: Scenario,
    options: {
      readonly engine: Engine
      readonly seed: number
      readonly rounds: number
      readonly progress?: (text: string) => void
    },
  ): Promise<Report> {
    const { engine, seed, rounds } = options
    const cleanups: (() => unknown)[] = []
    const onEnd = (work: () => unknown) => void cleanups.push(work)
    const lab: Lab = {
      engine,
      seed,
      random: randomOf(seed),
      rounds,
      createDatabase: async () => {
        const database = await (engine === 'sqlite' ? createSqlite() : this.#createPostgresql())
        onEnd(database.remove)
        return database
      },
      start: async (database, instanceOptions = {}) => {
        const instance = await startInstance({ databaseUrl: database.url, ...instanceOptions })
        onEnd(() => instance.kill())
        return instance
      },
      restartDatabaseServer: async () => (await this.#server()).restartAtOnce(),
      onEnd,
      progress: options.progress ?? (() => {}),
    }
    try {
      return await scenario.run(lab)
    } finally {
      for (const cleanup of cleanups.toReversed()) await cleanup()
    }
  }

  async close(): Promise<void> {
    await (await this.#postgresql)?.stop()
  }

  #server(): Promise<PostgresqlServer> {
    return (this.#postgresql ??= startPostgresql(durableSettings))
  }

  async #createPostgresql() {
    const { url: adminUrl } = await this.#server()
    const name = `torture_${randomBytes(8).toString('hex')}`
    const url = await createDatabaseAt(adminUrl, name)
    return {
      engine: 'postgresql' as const,
      url,
      query: (sql: string) => queryPostgresql(url, sql),
      remove: () => queryPostgresql(adminUrl, `drop database ${name} with (force)`),
    }
  }
}

function createSqlite() {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-torture-db-'))
  return {
    ...sqliteAt(join(folder, 'latchkey.db')),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

/** A SQLite database in a file that is there, or will be. */
export function sqliteAt(file: string): LabDatabase {
  return {
    engine: 'sqlite',
    url: `sqlite:${file}`,
    query: async (sql) => {
      const database = new Sqlite(file, { timeout: 10_000 })
      try {
        const statement = database.prepare(sql)
        if (statement.reader) return statement.all() as Record<string, unknown>[]
        statement.run()
        return []
      } finally {
        database.close()
      }
    },
  }
}
