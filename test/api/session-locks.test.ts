import { Client } from 'pg'
import { describe, expect, inject, it, onTestFinished } from 'vitest'
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
      // However slow the machine is: what is looked at is who waits for whom.
      const server = await startServer({}, { requestTimeoutMilliseconds: 60_000 })
      const account = await server.client.register()
      const login = async () =>
        (await server.client.login(account.email, account.password)).data.login as typeof account
      const other = await login()
      for (let more = 0; more < 2; more += 1) await login()
      // Whoever deletes sessions lingers if it has half of its locks, for as long as this one is held.
      const holder = new Client({ connectionString: server.database.url })
      await holder.connect()
      onTestFinished(() => holder.end())
      await holder.query('select pg_advisory_lock(1)')
      await server.database.query(`create function linger() returns trigger language plpgsql
        set lock_timeout = 0 as
        $$ begin perform pg_advisory_xact_lock(1); return null; end $$`)
      await server.database.query(`create trigger linger after delete on sessions
        for each statement execute function linger()`)

      const waiting = async () => {
        const rows = await server.database.query(
          `select wait_event from pg_stat_activity
            where datname = current_database() and wait_event_type = 'Lock'`,
        )
        return rows.map((row) => row['wait_event'])
      }

      const changing = server.client
        .as(account.accessToken)
        .send(changePassword, { current: account.password, new: 'another horse battery' })
      await eventually(async () => expect(await waiting()).toEqual(['advisory']))
      const loggingOut = server.client
        .as(other.accessToken)
        .send(`mutation { logout(scope: ${scope}) }`)
      await eventually(async () => expect(await waiting()).toHaveLength(2))
      await holder.query('select pg_advisory_unlock(1)')
      const answers = await Promise.all([changing, loggingOut])
      expect(answers.map(({ code }) => code)).toEqual([undefined, undefined])
    },
  )
})
