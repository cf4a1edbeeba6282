import { describe, expect, inject, it } from 'vitest'
import { eventually } from '../support/patience.ts'
import { startServer } from '../support/server.ts'

const changePassword = `mutation ($current: String, $new: String!) {
  changePassword(currentPassword: $current, newPassword: $new) { tokenType }
}`

// On SQLite one transaction comes after the other.
describe.runIf(inject('engine') === 'postgresql')('a change of the password', () => {
  it.each(['OTHERS', 'ALL'])(
    'and a logout of %s take their turns, and do not wait in a circle',
    async (scope) => {
      const server = await startServer()
      const account = await server.client.register()
      const login = async () =>
        (await server.client.login(account.email, account.password)).data.login as typeof account
      const other = await login()
      for (let more = 0; more < 2; more += 1) await login()
      // Whoever deletes sessions lingers where it has half of its locks.
      await server.database.query(`create function linger() returns trigger language plpgsql as
        $$ begin perform pg_sleep(2); return null; end $$`)
      await server.database.query(`create trigger linger after delete on sessions
        for each statement execute function linger()`)

      const changing = server.client
        .as(account.accessToken)
        .send(changePassword, { current: account.password, new: 'another horse battery' })
      await eventually(async () => {
        const lingering = await server.database.query(
          `select 1 from pg_stat_activity
            where datname = current_database() and wait_event = 'PgSleep'`,
        )
        expect(lingering).toHaveLength(1)
      })
      const person = server.client.as(other.accessToken)
      const answers = await Promise.all([
        changing,
        person.send(`mutation { logout(scope: ${scope}) }`),
      ])
      expect(answers.map(({ code }) => code)).toEqual([undefined, undefined])
    },
  )
})
