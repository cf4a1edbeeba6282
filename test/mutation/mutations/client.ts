import { inFile, type Mutation } from '../mutation.ts'

const manager = inFile('client/session-manager.ts', ['test/api/client-network.test.ts'])
const fetches = inFile('client/authorized-fetch.ts', ['test/api/client-fetch.test.ts'])
const operation = inFile('client/operation.ts', [
  'test/api/client-fetch.test.ts',
  'test/api/client.test.ts',
])

export const client: readonly Mutation[] = [
  fetches(
    'the token is sent to another port of the same host',
    '(url.origin === endpointUrl?.origin || origins',
    '(url.hostname === endpointUrl?.hostname || origins',
  ),
  fetches(
    'the token is sent to any origin that begins like an allowed one',
    'origins.includes(url.origin)',
    'origins.some((origin) => url.href.startsWith(origin))',
  ),
  fetches(
    'an Authorization header of the app is replaced',
    "!headers.has('authorization')",
    'true',
  ),
  fetches(
    'a request that is refused again is sent without end',
    'return isRetryable && !isRepeated ? next : undefined',
    'return isRetryable ? next : undefined',
    {
      survives:
        'Only an expired token and a refusal without a reason bring a next token, and the line above ends both; the comparison is a second lock.',
    },
  ),
  fetches(
    'the tokens are renewed for each further refusal of one request',
    "  if (isRepeated && (reason === undefined || reason === 'TOKEN_EXPIRED')) return undefined\n",
    '',
  ),
  fetches(
    'a mutation that may have run is sent again',
    'return isRetryable && !isRepeated ? next : undefined',
    'return !isRepeated ? next : undefined',
  ),
  operation(
    'a mutation with several fields is sent again',
    'operation?.selectionSet.selections.length === 1',
    'operation?.selectionSet.selections.length !== 0',
  ),
  operation(
    'a mutation whose nested field was refused is sent again',
    'path?.length === 1\n',
    'path?.length !== 0\n',
  ),
  manager(
    'a request of one user is sent with the token of another',
    'if (this.session.held?.user.id !== held.user.id) throw this.session.endedError()',
    '',
    { tests: ['test/api/client-store.test.ts'] },
  ),
  manager(
    'the refusal of an old session ends the new one',
    'if (!held || sessionIdOf(refusedToken) !== held.id) return undefined',
    'if (!held) return undefined',
    { tests: ['test/api/client-races.test.ts'] },
  ),
  manager(
    'a renewal that fails early fails the request',
    'if (this.session.held !== held || this.#clock() >= held.tokens.expiresAt) throw error',
    'throw error',
  ),
  manager(
    'the lifetime of a token is counted from when the response arrived',
    'expiresAt: sentAt + expiresIn * 1000,',
    'expiresAt: this.#clock() + expiresIn * 1000,',
  ),
  manager(
    'the tokens of a session that ended while they were under way reach the store',
    'if (this.session.isOver(sessionIdOf(accessToken))) return\n',
    '',
    { tests: ['test/api/client-store.test.ts'] },
  ),
  manager(
    'a sign-out on all devices that was refused is not sent for this one',
    "if (scope === 'THIS' || refusal) await sendSignOut",
    "if (scope === 'THIS') await sendSignOut",
    { tests: ['test/api/client-sign-out.test.ts'] },
  ),
  manager(
    'the tokens stay in the store after a sign-out',
    'try {\n      await this.#store?.clear()\n    } finally {',
    'try {\n      void this.#store\n    } finally {',
    { tests: ['test/api/client-store.test.ts'] },
  ),
  manager(
    'a renewal is given up after the first lost response',
    'if (aborted.aborted || !(error instanceof NetworkError)) throw error',
    'throw error',
  ),
]
