import { Client } from 'pg'
import { describe, expect, inject, it, onTestFinished } from 'vitest'
import { startHostileProvider } from '../support/hostile-provider.ts'
import { redirectUri } from '../support/identity-provider.ts'
import { eventually } from '../support/patience.ts'
import { proveWith } from '../support/proof.ts'
import { linkWith, openidVariables, sendUnlink } from '../support/provider-sign-in.ts'
import { startServer } from '../support/server.ts'

// On SQLite one transaction comes after the other. On PostgreSQL a statement that has waited for the lock of
// a row sees the other tables as they were before.
describe.runIf(inject('engine') === 'postgresql')('a user whose row another request holds', () => {
  /** Runs the statement, as the other request, when this one waits for the row. */
  async function start() {
    const provider = await startHostileProvider()
    onTestFinished(() => provider.close())
    const server = await startServer(
      { REDIRECT_URIS: redirectUri, ...openidVariables('acme', provider) },
      { requestTimeoutMilliseconds: 60_000 },
    )
    const { accessToken, user } = await server.client.register()
    const browser = (url: string) => provider.authorize(url, 'linked')
    const client = server.client.as(accessToken)
    expect((await linkWith(client, 'acme', browser)).errors).toBeUndefined()
    const holder = new Client({ connectionString: server.database.url })
    await holder.connect()
    onTestFinished(() => holder.end())
    const meanwhile = async <T>(request: () => Promise<T>, statement: string) => {
      await holder.query('begin')
      await holder.query('select 1 from users where id = $1 for no key update', [user.id])
      const response = request()
      await eventually(async () => {
        const waiting = await server.database.query(
          `select 1 from pg_stat_activity
            where datname = current_database() and wait_event_type = 'Lock'`,
        )
        expect(waiting).toHaveLength(1)
      })
      await holder.query(statement, [user.id])
      await holder.query('commit')
      return response
    }
    return { browser, client, meanwhile, server, user }
  }

  it('loses no provider to a session that the other request ends', async () => {
    const { client, meanwhile, server, user } = await start()
    const answer = await meanwhile(
      () => sendUnlink(client, 'acme'),
      'delete from sessions where user_id = $1',
    )
    expect([answer.code, answer.reason]).toEqual(['UNAUTHENTICATED', 'SESSION_ENDED'])
    const left = await server.database.query('select 1 from identities where user_id = ?', [
      user.id,
    ])
    expect(left).toHaveLength(1)
  })

  it('proves nothing with a provider that the other request unlinks', async () => {
    const { browser, client, meanwhile } = await start()
    const answer = await meanwhile(
      () => proveWith(client, 'acme', browser, redirectUri),
      'delete from identities where user_id = $1',
    )
    expect(answer.code).toBe('INVALID_CREDENTIALS')
    expect((await client.send('{ me { id } }')).errors).toBeUndefined()
  })
})
