// What `npm run user -- list` finds; how it prints it is in test/unit/user-command.test.ts.
import { randomUUID } from 'node:crypto'
import { databaseOptions } from '../../src/commands/database-options.ts'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { loadConfig } from '../../src/config/config.ts'
import { openDatabase, type Database } from '../../src/database/database.ts'
import { Role } from '../../src/core/users/role.ts'
import { listUsers, type UserFilter } from '../../src/core/users/user-list.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { testAppSecret } from '../support/server.ts'

let test: TestDatabase
let database: Database
const ids: string[] = Array.from({ length: 7 }, () => randomUUID()).toSorted()
beforeAll(async () => {
  test = await createTestDatabase()
  const env = { DATABASE_URL: test.url, APP_SECRET: testAppSecret }
  database = await openDatabase(loadConfig(env).database, databaseOptions, () => {})
  await database.migrate()
  const admin = '["USER","ADMIN"]'
  const users: [
    email: string | null,
    name: string | null,
    roles: string,
    disabledAt: number | null,
  ][] = [
    ['ada@example.com', 'Ada Lovelace', admin, null],
    ['a_b@example.com', 'O%Neil', '["USER"]', null],
    [null, 'Grace Hopper', admin, 9],
    ['a!b@example.com', null, '["USER"]', null],
    ['zoe@example.com', 'Zoe', '["USER"]', 9],
    ['eve@example.com', null, '["USER"]', null],
    ['bob@example.com', 'BjÖrn Été [1]*?^-]', '["USER"]', null],
  ]
  for (const [index, [email, name, roles, disabledAt]] of users.entries()) {
    // The last three were made in the same millisecond.
    const createdAt = Math.max(10 - index, 6)
    // oxlint-disable-next-line no-await-in-loop -- one connection
    await test.query(
      'insert into users (id, email, email_verified, name, roles, credential_version, created_at, disabled_at) values (?, ?, true, ?, ?, 0, ?, ?)',
      [ids[index]!, email, name, roles, createdAt, disabledAt],
    )
  }
})
afterAll(async () => {
  await database.close()
  await test.remove()
})

const find = async (filter: Partial<UserFilter>) => {
  const { users, hasMore } = await listUsers(database, { limit: 100, ...filter })
  return { found: users.map(({ id }) => ids.indexOf(id)), hasMore, users }
}

it.each<[Partial<UserFilter>, number[]]>([
  [{}, [0, 1, 2, 3, 4, 5, 6]],
  [{ search: 'ADA@' }, [0]],
  [{ search: 'lovelace' }, [0]],
  [{ search: 'grace h' }, [2]],
  // Wildcards of LIKE, and what escapes them, stand for themselves.
  [{ search: 'a_b' }, [1]],
  [{ search: 'a!b' }, [3]],
  [{ search: 'o%n' }, [1]],
  [{ search: '%' }, [1]],
  [{ search: "' or 1=1 --" }, []],
  [{ search: '\\' }, []],
  // Letters beyond ASCII in either case, composed or not; and the wildcards of GLOB and of regular expressions.
  [{ search: 'BJöRN' }, [6]],
  [{ search: 'É' }, [6]],
  [{ search: 'éTÉ' }, [6]],
  [{ search: 'E\u0301T' }, [6]],
  [{ search: '[1]' }, [6]],
  [{ search: '*?^-]' }, [6]],
  [{ search: '.' }, [0, 1, 3, 4, 5, 6]],
  [{ search: '^' }, [6]],
  [{ search: 'a*' }, []],
  [{ search: '[a-z]' }, []],
  [{ role: Role.ADMIN }, [0, 2]],
  [{ role: Role.USER }, [0, 1, 2, 3, 4, 5, 6]],
  [{ isDisabled: true }, [2, 4]],
  [{ isDisabled: true, role: Role.ADMIN, search: 'hopper' }, [2]],
  [{ after: randomUUID() }, []],
])('the list of accounts has what is asked for, the newest first: %j', async (filter, expected) => {
  expect((await find(filter)).found).toEqual(expected)
})

it('the pages of the list have every account once, however many were made at once', async () => {
  const seen: number[] = []
  for (let after: string | undefined; ;) {
    // oxlint-disable-next-line no-await-in-loop -- page by page
    const { found, hasMore } = await find({ limit: 2, after })
    seen.push(...found)
    if (!hasMore) break
    after = ids[seen.at(-1)!]
  }
  expect(seen).toEqual([0, 1, 2, 3, 4, 5, 6])
})

it('the list says of each account what an operator needs to know, and no secret', async () => {
  expect((await find({ search: 'zoe' })).users).toEqual([
    {
      id: ids[4],
      email: 'zoe@example.com',
      emailVerified: true,
      name: 'Zoe',
      roles: ['USER'],
      hasPassword: false,
      createdAt: 6,
      lastSignedInAt: null,
      disabledAt: 9,
    },
  ])
})
