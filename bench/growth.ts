/** How long a request takes as accounts grow in number. */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { hashSync } from 'bcryptjs'
import Sqlite from 'better-sqlite3'
import { load, type Outcome, type Source } from './load.ts'
import { medians, ms } from './report.ts'
import type { Settings } from './scenarios.ts'
import { bcryptCost, latchkey, password } from './subjects.ts'

/** Set-based: a million rows take seconds. Everybody has the same password, and one session. */
const fill = `
  with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < :count)
  insert into users (id, email, email_verified, name, roles, password_hash, credential_version, created_at)
    select lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2)
        || '-8' || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6))),
      'user' || n || '@example.org', 0, 'User ' || n, '["USER"]', :hash, 0, :now
    from numbers;`
const fillSessions = `
  insert into sessions (id, user_id, method, generation, created_at, last_used_at, expires_at, ends_at)
    select substr(replace(replace(hex(randomblob(11)), '+', '-'), '/', '_'), 1, 22), id, 'password', 0,
      :now, :now, :now + 2592000000, :now + 2592000000
    from users where email like '%@example.org'`

/** @returns a table: p50 and p99 of each operation at each number of accounts */
export async function measureGrowth(
  settings: Settings,
  folder: string,
  counts: readonly number[],
): Promise<string> {
  const lines = [
    '| Accounts, each with a session | `me`: p50, p99 | `login`: p50, p99 | `refreshToken`: p50, p99 |',
    '| --- | --- | --- | --- |',
  ]
  for (const count of counts) {
    const place = join(folder, `growth-${count}`)
    const { login, me, refresh, server } = await latchkey(place)
    try {
      fillDatabase(join(place, 'latchkey', 'latchkey.db'), count)
      const { origin } = server
      const samples: { of: () => Promise<Source[]>; outcomes: Outcome[] }[] = [
        { of: async () => four(me), outcomes: [] },
        { of: async () => [login!(0)], outcomes: [] },
        { of: () => Promise.all(four(refresh!)), outcomes: [] },
      ]
      for (let round = 0; round < settings.rounds; round += 1) {
        for (const { of, outcomes } of samples) {
          outcomes.push(await load(origin, await of(), { seconds: settings.seconds }))
        }
      }
      const cells = samples.map(({ outcomes }) => {
        const { p50, p99 } = medians(outcomes)
        return `${ms(p50)}, ${ms(p99)}`
      })
      lines.push(`| ${count.toLocaleString('en')} | ${cells.join(' | ')} |`)
    } finally {
      await server.stop()
    }
  }
  lines.push(
    '',
    '`me` and `refreshToken` over 4 connections, `login` over one. That no statement scans a table that grows is a test: `test/api/query-plans.test.ts`.',
  )
  return lines.join('\n')
}

function four<T>(of: (index: number) => T): T[] {
  return Array.from({ length: 4 }, (_, index) => of(index))
}

function fillDatabase(file: string, count: number): void {
  const database = new Sqlite(file, { timeout: 60_000 })
  database.pragma('synchronous = OFF')
  const now = Date.now()
  const hash = hashSync(password + randomBytes(4).toString('hex'), bcryptCost)
  database.transaction(() => {
    database.prepare(fill).run({ count, hash, now })
    database.prepare(fillSessions).run({ now })
  })()
  database.pragma('wal_checkpoint(TRUNCATE)')
  database.close()
}
