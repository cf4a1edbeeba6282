/** Databases that operators' commands back up and restore, on both engines, and commands that die of it. */
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { Client } from 'pg'
import { expect, onTestFinished, type TestOptions } from 'vitest'
import { createApp, type App } from '../../src/app.ts'
import { migrationLock } from '../../src/database/postgresql.ts'
import { loadSettings } from '../../src/process/settings.ts'
import { atEndOfFile } from './at-end-of-file.ts'
import { operatorOf } from './command.ts'
import { eventually } from './patience.ts'
import { needs } from './needs.ts'
import { createDatabaseAt, queryPostgresql } from './postgresql-client.ts'
import { findPostgresqlInstallation } from './postgresql-tools.ts'
import { startPostgresql, type PostgresqlServer } from './postgresql.ts'
import { temporaryFolder } from './process.ts'
import { testAppSecret } from './server.ts'

const installation = findPostgresqlInstallation()

export const engines = ['sqlite', 'postgresql'] as const

/** The options of tests on an engine: those on PostgreSQL need its own client programs, and a server of their version. */
export const needsOf = (engine: (typeof engines)[number]): TestOptions =>
  engine === 'sqlite' ? {} : needs("PostgreSQL's programs")

let started: Promise<PostgresqlServer> | undefined

/** Started for the first test of a file that asks for it. */
function postgresql(): Promise<PostgresqlServer> {
  if (started === undefined) {
    started = startPostgresql(['fsync=off'], installation!.folder)
    atEndOfFile(async () => {
      await (await started)?.stop()
      started = undefined
    })
  }
  return started
}

let databases = 0

/** A database of its own, and the means to copy it as someone would who has not read the guide. */
export async function createDatabase(engine: 'sqlite' | 'postgresql') {
  const folder = mkdtempSync(join(temporaryFolder(), 'backup-'))
  if (engine === 'sqlite') {
    const file = join(folder, 'latchkey.db')
    return {
      folder,
      url: `sqlite:${file}`,
      copyPlainly: (target: string) => copyFileSync(file, target),
      /** The command dies of moving what it has restored. */
      restoreAndKill: (backup: string) =>
        operator(`sqlite:${file}`, importing(killAfterMoving(file))).restore(backup),
      execute: async (statement: string) => {
        const database = new Sqlite(file)
        database.exec(statement)
        database.close()
      },
    }
  }
  const name = `backup_${++databases}`
  const url = new URL(await createDatabaseAt((await postgresql()).url, name))
  return {
    folder,
    url: url.href,
    execute: (statement: string) => queryPostgresql(url.href, statement),
    copyPlainly: (target: string) =>
      execFileSync(join(installation!.folder, 'pg_dump'), [
        '--format=custom',
        `--file=${target}`,
        url.href,
      ]),
    /** The command is kept where it would migrate what it has restored, and killed there. */
    restoreAndKill: async (backup: string) => {
      const holder = new Client({ connectionString: url.href })
      await holder.connect()
      onTestFinished(() => holder.end())
      await holder.query('select pg_advisory_lock($1)', [migrationLock])
      const { child, result } = operator(url.href).startRestore(backup, '--force')
      const isKept = eventually(async () => {
        const { rows } = await holder.query(`select 1 from pg_stat_activity
          where datname = current_database() and wait_event = 'advisory'`)
        expect(rows).toHaveLength(1)
      }, 20)
      await Promise.race([isKept, result])
      child.kill('SIGKILL')
      return result
    },
  }
}

/** The environment of a process that runs a module first. */
export const importing = (module: string) => ({
  NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(module)}`,
})

/** Kills the process just after it has moved something there. */
const killAfterMoving = (file: string) => `
  import fs from 'node:fs'
  import { syncBuiltinESMExports } from 'node:module'
  const { renameSync } = fs
  fs.renameSync = (from, to) => {
    renameSync(from, to)
    if (to === ${JSON.stringify(file)}) process.kill(process.pid, 'SIGKILL')
  }
  syncBuiltinESMExports()`

/** A server on the database, closed with the test at the latest. */
export async function start(url: string, env: Record<string, string> = {}): Promise<App> {
  const app = await createApp(
    loadSettings({
      APP_SECRET: testAppSecret,
      PORT: '0',
      DATABASE_URL: url,
      LOG_LEVEL: 'silent',
      THROTTLE: 'off',
      ...env,
    }),
    { passwordCost: 4 },
  )
  let isOpen = true
  const close = async () => {
    if (isOpen) await app.close()
    isOpen = false
  }
  onTestFinished(close)
  return { ...app, close }
}

export const operator = (url: string, env: Record<string, string> = {}) =>
  operatorOf(
    { database: { url } },
    installation ? { PATH: `${installation.folder}:${process.env['PATH']}`, ...env } : env,
  )
