import { inFile, type Mutation } from '../mutation.ts'

const rotation = inFile('src/core/sessions/rotation.ts', [
  'test/api/refresh-token.test.ts',
  'test/api/refresh-race.test.ts',
])
const admission = inFile('src/core/sessions/admission.ts', ['test/api/sign-in.test.ts'])
const tokens = inFile('src/core/sessions/issue-tokens.ts', ['test/api/refresh-cookie.test.ts'])
const renewal = inFile('src/core/sessions/renewal.ts', [
  'test/api/password-change-sessions.test.ts',
])
const revocation = inFile('src/core/sessions/revocation.ts', [
  'test/api/logout.test.ts',
  'test/api/session-list.test.ts',
  'test/api/password-change-sessions.test.ts',
])
const list = inFile('src/core/sessions/session-list.ts', ['test/api/session-list.test.ts'])
const service = inFile('src/core/sessions/session.service.ts', ['test/api/refresh-cookie.test.ts'])

export const sessions: readonly Mutation[] = [
  rotation(
    'a session is renewed at the moment at which it expires',
    'and expires_at > ${now}\n      and exists',
    'and expires_at >= ${now}\n      and exists',
    { tests: ['test/api/session-lifetime.test.ts'] },
  ),
  rotation(
    'any refresh token of a session rotates it',
    'and generation = ${token.generation} and expires_at',
    'and generation <= ${token.generation} + 100 and expires_at',
  ),
  rotation(
    'the session of a disabled account is renewed',
    'where users.id = sessions.user_id and disabled_at is null)',
    'where users.id = sessions.user_id)',
    { tests: ['test/api/account-state.test.ts'] },
  ),
  rotation(
    'a refresh extends the session beyond its longest lifetime',
    'case when ends_at < ${idleEnd} then ends_at else ${idleEnd} end',
    'cast(${idleEnd} as bigint)',
    { tests: ['test/api/session-lifetime.test.ts'] },
  ),
  rotation('a replaced token has no grace window', 'age <= policy.graceSeconds * 1000', 'age < 0'),
  rotation(
    'the grace window is twice as long',
    'age <= policy.graceSeconds * 1000',
    'age <= policy.graceSeconds * 2000',
    { tests: ['test/api/refresh-token.test.ts'] },
  ),
  rotation(
    'every older token is graced like the predecessor',
    'token.generation === session.generation - 1',
    'token.generation <= session.generation - 1',
  ),
  rotation(
    'a clock that was set back opens the grace window for good',
    '&& age >= -clockLeewayMilliseconds',
    '',
    { tests: ['test/api/clocks.test.ts'] },
  ),
  rotation(
    'a replayed token leaves the session alive',
    'if ((await tx.nativeDelete(Session, { id: session.id })) === 0) return',
    'if ((await tx.count(Session, { id: session.id })) === 0) return',
    { tests: ['test/api/refresh-token.test.ts'] },
  ),
  admission(
    'a sign-in succeeds after the password was changed meanwhile',
    'and credential_version = ${credentialVersion}`.execute',
    'and credential_version <= ${credentialVersion} + 100`.execute',
    { tests: ['test/api/login.test.ts'] },
  ),
  admission(
    'a disabled account signs in',
    'where id = ${userId} and disabled_at is null\n        and credential_version',
    'where id = ${userId}\n        and credential_version',
    { tests: ['test/api/account-state.test.ts'] },
  ),
  admission(
    'an account keeps any number of sessions',
    'limit ${sessionsPerUser - 1})`.execute(kysely)',
    'limit ${sessionsPerUser * 100})`.execute(kysely)',
    { tests: ['test/api/session-lifetime.test.ts'] },
  ),
  revocation(
    "a user revokes another user's session",
    '{ id: sessionId, user: userId })) > 0',
    '{ id: sessionId })) > 0',
  ),
  revocation(
    'logout of the other sessions ends this one as well',
    '{ id: { $ne: exceptSessionId } }',
    '{}',
  ),
  revocation(
    'a password change keeps the other sessions',
    'where user_id = ${current.userId} and id <> ${current.sessionId}`',
    "where user_id = ${current.userId} and id <> ${current.sessionId} and id = ''`",
  ),
  renewal(
    'the old refresh token has a grace window after a password change',
    'rotated_at = null${proof}',
    'rotated_at = ${now}${proof}',
  ),
  renewal(
    'a proof leaves the methods of the sign-in in the session',
    'amr = ${JSON.stringify(provenBy.amr)},',
    '',
    { tests: ['test/api/provider-reauthentication.test.ts'] },
  ),
  renewal(
    'a session that expired during the hash changes the password',
    'where id = ${sessionId} and user_id = ${userId} and expires_at > ${now}\n    returning',
    'where id = ${sessionId} and user_id = ${userId}\n    returning',
    { tests: ['test/api/change-password.test.ts'] },
  ),
  service(
    'the cookie is cleared when the database fails',
    'if (transport === TokenTransport.COOKIE && error instanceof AppError) {',
    'if (transport === TokenTransport.COOKIE) {',
    { tests: ['test/api/refresh-cookie.test.ts'] },
  ),
  list(
    'expired sessions are listed',
    '{ user: userId, expiresAt: { $gt: now } }',
    '{ user: userId }',
    { tests: ['test/api/session-list.test.ts'] },
  ),
  tokens(
    'the refresh token is in the response although it travels in the cookie',
    'refreshToken: transport === TokenTransport.COOKIE ? null : refreshToken,',
    'refreshToken,',
    { tests: ['test/api/refresh-cookie.test.ts'] },
  ),
]
