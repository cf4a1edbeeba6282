/** `npm run db:backup -- FILE`: a copy of the database, while the servers run. */
import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs'
import Sqlite from 'better-sqlite3'
import { loadConfig } from '../config.ts'
import type { PostgresqlServer } from '../config.database.ts'
import { tablesLeftOut } from './backup-tables.ts'
import { startTool, waitForTool } from './postgresql-tools.ts'
import { CommandError, run } from './run.ts'

const usage = `Usage: npm run db:backup -- FILE

  FILE   is made; it holds everything but sessions and sign-ins that are under way`

await run(async () => {
  const [file, ...rest] = process.argv.slice(2)
  if (file === undefined || file.startsWith('-') || rest.length > 0) throw new CommandError(usage)
  if (existsSync(file)) throw new CommandError(`${file} is there already.`)
  const { database } = loadConfig(process.env)
  const unfinished = `${file}.unfinished`
  rmSync(unfinished, { force: true })
  try {
    if (database.engine === 'sqlite') copySqlite(database.file, unfinished)
    else await dumpPostgresql(database, unfinished)
    writeThrough(unfinished)
    // A file of the name is a whole backup.
    renameSync(unfinished, file)
  } finally {
    rmSync(unfinished, { force: true })
  }
  return `The backup is in ${file}. It holds no session, and no APP_SECRET: keep that apart from it.`
})

/** Reads one state of the database, and holds up no writer. */
function copySqlite(source: string, target: string): void {
  if (!existsSync(source)) throw new CommandError(`There is no database ${source}.`)
  const database = new Sqlite(source, { readonly: true, timeout: 5000 })
  try {
    database.prepare('vacuum into ?').run(target)
  } finally {
    database.close()
  }
  const copy = new Sqlite(target)
  try {
    for (const table of tablesLeftOut) copy.exec(`delete from ${table}`)
    // What was deleted would stay in the file.
    copy.exec('vacuum')
    const verdict = copy.pragma('integrity_check(1)', { simple: true })
    if (verdict !== 'ok') throw new CommandError(`The database ${source} is damaged.`)
  } finally {
    copy.close()
  }
}

async function dumpPostgresql(server: PostgresqlServer, target: string): Promise<void> {
  const args = [
    '--format=custom',
    '--no-owner',
    '--no-privileges',
    ...tablesLeftOut.map((table) => `--exclude-table-data=${table}`),
    `--file=${target}`,
  ]
  await waitForTool('pg_dump', startTool('pg_dump', args, server, ['ignore', 'ignore', 'inherit']))
}

function writeThrough(file: string): void {
  const descriptor = openSync(file, 'r+')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}
