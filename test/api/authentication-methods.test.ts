import { expect, it } from 'vitest'
import { startServer, type TestServer } from '../support/server.ts'
import { decodeCompact } from '../support/signing.ts'

async function refreshedMethods({ client }: TestServer, refreshToken: string): Promise<unknown> {
  const answer = await client.refresh(refreshToken)
  return decodeCompact(answer.data.refreshToken.accessToken).claims['amr']
}

it('the amr claim lists every method of the session, after a refresh as well', async () => {
  const server = await startServer()
  const { accessToken, refreshToken, user } = await server.client.register()
  expect(decodeCompact(accessToken).claims['amr']).toEqual(['pwd'])
  await server.database.query(`update sessions set amr = '["pwd","otp","mfa"]' where user_id = ?`, [
    user.id,
  ])
  expect(await refreshedMethods(server, refreshToken)).toEqual(['pwd', 'otp', 'mfa'])
})

it.each([
  { method: 'password', authenticatedBy: null, amr: ['pwd'] },
  { method: 'acme', authenticatedBy: 'password', amr: ['pwd'] },
  { method: 'acme', authenticatedBy: null, amr: undefined },
  { method: 'password', authenticatedBy: 'acme', amr: undefined },
])(
  'after an update, the amr claim of a session by $method, proved again by $authenticatedBy, is $amr',
  async ({ method, authenticatedBy, amr }) => {
    const server = await startServer()
    const { refreshToken } = await server.client.register()
    // The database as the version before has it.
    await server.database.query('alter table sessions drop column amr')
    await server.database.query(
      "delete from mikro_orm_migrations where name = '0009-authentication-methods'",
    )
    await server.database.query('update sessions set method = ?, authenticated_by = ?', [
      method,
      authenticatedBy,
    ])
    const updated = await server.sibling()
    expect(await refreshedMethods(updated, refreshToken)).toEqual(amr)
  },
)

it.each([
  { by: 'acme', amr: undefined },
  { by: 'password', amr: ['pwd'] },
])(
  'the amr claim does not speak of an earlier proof if an older version took the last one, by $by',
  async ({ amr, by }) => {
    const server = await startServer()
    const { refreshToken } = await server.client.register()
    // As the older version writes it, which does not know the column `amr`.
    await server.database.query(
      'update sessions set amr = ?, authenticated_by = ?, authenticated_at = authenticated_at + 1',
      [by === 'password' ? '[]' : '["pwd"]', by],
    )
    expect(await refreshedMethods(server, refreshToken)).toEqual(amr)
  },
)
