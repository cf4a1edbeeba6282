import { inFile, type Mutation } from '../mutation.ts'

const viewer = inFile('src/core/sessions/viewer.ts', [
  'test/api/bearer-header.test.ts',
  'test/api/access-token-forgery.test.ts',
  'test/api/session-lifetime.test.ts',
])
const checker = inFile('src/graphql/auth-checker.ts', [
  'test/api/roles.test.ts',
  'test/api/access-matrix.test.ts',
])
const freshness = inFile('src/graphql/freshness.ts', [
  'test/unit/freshness.test.ts',
  'test/api/recent-proof.test.ts',
])

export const guard: readonly Mutation[] = [
  viewer(
    'a session is accepted at the moment at which it expires',
    'Number(row.expires_at) <= this.#clock()',
    'Number(row.expires_at) < this.#clock()',
  ),
  viewer(
    "a token of one user is accepted with another user's session",
    'row.user_id !== userId || ',
    '',
    { tests: ['test/api/access-token-claims.test.ts'] },
  ),
  viewer(
    'the access token of a disabled account is accepted',
    'if (row.disabled_at !== null) return anonymous',
    'if (row.disabled_at === undefined) return anonymous',
    { tests: ['test/api/account-state.test.ts'] },
  ),
  viewer(
    'an invalid token is reported as expired',
    "if (verified.status === 'invalid') return anonymous(TokenErrorReason.TOKEN_INVALID)",
    "if (verified.status === 'invalid') return anonymous(TokenErrorReason.TOKEN_EXPIRED)",
  ),
  viewer(
    'an expired access token still opens guarded fields',
    "if (verified.status === 'expired') {",
    "if (verified.status === 'expired' && this.#clock() < 0) {",
  ),
  viewer(
    'the scheme of the Authorization header is case-sensitive',
    'const bearer = /^bearer +(\\S+) *$/i',
    'const bearer = /^Bearer +(\\S+) *$/',
  ),
  viewer(
    'text after the bearer token is ignored',
    'const bearer = /^bearer +(\\S+) *$/i',
    'const bearer = /^bearer +(\\S+)/i',
  ),
  checker(
    'a field that needs one of several roles needs all of them',
    '!roles.some((role)',
    '!roles.every((role)',
    { tests: ['test/api/roles.test.ts'] },
  ),
  checker('a role is not checked', 'roles.length > 0 &&', 'roles.length > 9 &&'),
  checker(
    'a user without a session is let in',
    'if (viewer.isAuthenticated) return viewer',
    'if (viewer) return viewer as Authenticated',
  ),
  viewer(
    'a copy of an old access token gains by a later proof',
    'authenticatedAt: Math.min(authTime * 1000, Number(row.authenticated_at)),',
    'authenticatedAt: Number(row.authenticated_at),',
    { tests: ['test/api/recent-proof.test.ts', 'test/api/reauthentication.test.ts'] },
  ),
  viewer(
    'the token alone says when its holder proved who they are',
    'authenticatedAt: Math.min(authTime * 1000, Number(row.authenticated_at)),',
    'authenticatedAt: authTime * 1000,',
    { tests: ['test/api/recent-proof.test.ts'] },
  ),
  inFile('src/core/tokens/access-token.ts', ['test/api/recent-proof.test.ts'])(
    'a token without auth_time counts as a proof of when it was issued',
    'authTime: isTime ? (authTime as number) : 0,',
    'authTime: isTime ? (authTime as number) : issuedAt,',
  ),
  freshness(
    'a proof that is as old as it may be is refused',
    'age <= maxAgeSeconds * 1000',
    'age < maxAgeSeconds * 1000',
  ),
  freshness(
    'a proof is accepted for a second longer than it may be',
    'age <= maxAgeSeconds * 1000',
    'age <= maxAgeSeconds * 1000 + 999',
  ),
  freshness(
    'a proof from the future never becomes too old',
    'age >= -clockLeewayMilliseconds && ',
    '',
  ),
  freshness(
    'a proof of an instance whose clock is a second ahead is refused',
    'age >= -clockLeewayMilliseconds && ',
    'age >= 0 && ',
  ),
  freshness(
    'the maximum age in a refusal is not that of the field',
    '{ maxAge: maxAgeSeconds, methods',
    '{ maxAge: recentProofSeconds, methods',
  ),
  freshness(
    'the longest of several maximum ages counts',
    'Math.min(...maxAges)',
    'Math.max(...maxAges)',
  ),
  freshness(
    'the maximum age that an interface declares does not count',
    'return [field, ...inherited.filter((above) => above !== undefined)]',
    'return inherited.length < 0 ? inherited.filter((above) => above !== undefined) : [field]',
  ),
  freshness('an unreadable maximum age lets any proof in', '?? Number.NaN', '?? Infinity'),
  freshness(
    'a field runs without waiting for the decision about the proof',
    'await context.requireFresh(maxAgeSeconds)',
    'context.requireFresh(maxAgeSeconds).catch(() => undefined)',
  ),
  freshness(
    'a user without the role is asked for a proof',
    '    requireRole(context.viewer, roles)\n',
    '',
    { tests: ['test/api/recent-proof.test.ts'] },
  ),
]
