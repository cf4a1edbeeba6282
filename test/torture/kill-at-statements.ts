import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { databaseOptions } from '../../src/commands/database-options.ts'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { loadConfig } from '../../src/config/config.ts'
import { openDatabase } from '../../src/database/database.ts'
import { spawnInstance } from './instance.ts'
import { brokenInvariants } from './invariants.ts'
import type { Lab, LabDatabase, Scenario } from './lab.ts'
import { schemaOf } from './schema-of.ts'

const hook = pathToFileURL(join(import.meta.dirname, 'kill-at-statement.mjs')).href
const nodeOptions = ['--import', hook]

export const killAtStatements: Scenario = {
  name: 'kill-at-statements',
  shows:
    'SIGKILL before any statement of a start, migrations and keys included: the next start completes, with the schema of a fresh one.',
  engines: ['sqlite', 'postgresql'],
  // Of the points at which a start can be killed, from each version of the schema: at most so many.
  rounds: { short: 1, long: 1000 },
  async run(lab) {
    const fresh = await lab.createDatabase()
    await (await lab.start(fresh)).kill()
    const wanted = await schemaOf(fresh)
    const names = (await fresh.query('select name from mikro_orm_migrations order by id')).map(
      (row) => String(row['name']),
    )
    const counts: Record<string, number> = { kills: 0 }
    const violations: string[] = []
    // From nothing, from the first migration alone, and so on: every upgrade that there can be.
    for (const from of [undefined, ...names.slice(0, -1)]) {
      const label = from ?? 'nothing'
      const statements = await countStatements(lab, from)
      counts[`statements from ${label}`] = statements
      for (const point of pointsOf(statements, lab)) {
        const database = await lab.createDatabase()
        await migrateTo(database, from)
        const { ended } = spawnInstance({
          databaseUrl: database.url,
          nodeOptions,
          env: { KILL_AT_STATEMENT: String(point) },
        })
        const status = await ended
        const where = `killed at statement ${point} from ${label}`
        if (status !== 'SIGKILL') violations.push(`${where}: it ended with ${status}`)
        counts['kills']! += 1
        lab.progress(where)
        try {
          const instance = await lab.start(database)
          await instance.client.register()
          await instance.kill()
        } catch (error) {
          violations.push(`${where}: the next start says ${(error as Error).message}`)
          continue
        }
        if ((await schemaOf(database)) !== wanted) violations.push(`${where}: another schema`)
        violations.push(...(await brokenInvariants(database)).map((what) => `${where}: ${what}`))
      }
    }
    return { counts, violations }
  },
}

/** How many statements a start runs until it listens: each question whether it is ready adds some. */
async function countStatements(lab: Lab, from: string | undefined): Promise<number> {
  const database = await lab.createDatabase()
  await migrateTo(database, from)
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-torture-count-'))
  const file = join(folder, 'count')
  const { child, ended, output } = spawnInstance({
    databaseUrl: database.url,
    nodeOptions,
    env: { STATEMENT_COUNT_FILE: file },
  })
  try {
    const listening = Promise.withResolvers<void>()
    child.stdout.on('data', () => {
      if (output().includes('listening on')) listening.resolve()
    })
    const status = await Promise.race([listening.promise, ended])
    if (status !== undefined) throw new Error(`The server has ended (${status}):\n${output()}`)
    return Number(readFileSync(file, 'utf8'))
  } finally {
    child.kill('SIGKILL')
    await ended
    rmSync(folder, { recursive: true, force: true })
  }
}

/** All of them, or as many as there are rounds, anywhere. */
function pointsOf(statements: number, lab: Lab): number[] {
  const all = Array.from({ length: statements }, (_, index) => index + 1)
  if (lab.rounds >= statements) return all
  return Array.from({ length: lab.rounds }, () => lab.random.pick(all))
}

/** Brings an empty database to an older version of the schema. */
async function migrateTo(target: LabDatabase, name: string | undefined): Promise<void> {
  if (name === undefined) return
  const { database: config } = loadConfig({
    DATABASE_URL: target.url,
    APP_SECRET: 'not used by migrations, but asked for',
  })
  const database = await openDatabase(config, databaseOptions, () => {})
  try {
    const migrator = database.em.config.getExtension<{
      up(options: { to: string }): Promise<unknown>
    }>('@mikro-orm/migrator')
    await migrator!.up({ to: name })
  } finally {
    await database.close()
  }
}
