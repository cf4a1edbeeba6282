import { inFile, type Mutation } from '../mutation.ts'

const viewer = inFile('src/guard/viewer.ts', [
  'test/api/bearer-header.test.ts',
  'test/api/access-token-forgery.test.ts',
  'test/api/session-lifetime.test.ts',
])
const checker = inFile('src/guard/auth-checker.ts', [
  'test/api/roles.test.ts',
  'test/api/access-matrix.test.ts',
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
  ),
  checker('a role is not checked', 'roles.length > 0 &&', 'roles.length > 9 &&'),
  checker(
    'a user without a session is let in',
    'if (viewer.isAuthenticated) return viewer',
    'if (viewer) return viewer as Authenticated',
  ),
]
