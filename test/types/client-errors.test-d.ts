// What a front end can read out of an error, and what does not compile: `npm run check:types` is the test.
import { expectTypeOf } from 'vitest'
import {
  assertNever,
  readServerError,
  type AuthClient,
  type AuthState,
  type ErrorCode,
  type MeDocument,
  type PersonFragment,
  type ServerError,
  type SessionsDocument,
  type RevokeSessionDocument,
  type TokenErrorReason,
} from '../../client/index.ts'

// A code without its extras, and extras without their code, are both mistakes.
expectTypeOf<NonNullable<ServerError['code']>>().toEqualTypeOf<ErrorCode>()

export function everyCode(error: ServerError): string {
  switch (error.code) {
    case 'UNAUTHENTICATED':
    case 'INVALID_REFRESH_TOKEN':
      expectTypeOf(error.reason).toEqualTypeOf<TokenErrorReason>()
      return error.reason
    case 'RATE_LIMITED':
      expectTypeOf(error.retryAfter).toEqualTypeOf<number>()
      return `${error.retryAfter}`
    case 'LINK_REQUIRED':
      expectTypeOf(error.linkableWith).toEqualTypeOf<readonly string[]>()
      return error.provider
    case 'REAUTHENTICATION_REQUIRED':
      expectTypeOf(error.maxAge).toEqualTypeOf<number>()
      return error.methods.join()
    case 'BAD_USER_INPUT':
      return error.field ?? ''
    case 'INTERNAL_SERVER_ERROR':
      return error.requestId ?? ''
    case 'PROVIDER_ERROR':
      return error.providerError ?? error.provider ?? ''
    case 'UNKNOWN_PROVIDER':
    case 'INVALID_FLOW':
    case 'LAST_CREDENTIAL':
    case 'FORBIDDEN':
      return error.provider ?? ''
    case 'INVALID_CREDENTIALS':
    case 'EMAIL_TAKEN':
    case 'REFRESH_TOKEN_REUSED':
    case 'PAYLOAD_TOO_LARGE':
    case 'QUERY_TOO_COMPLEX':
      // @ts-expect-error -- these carry nothing
      void error.retryAfter
      return error.message
    case undefined:
      return error.otherCode ?? ''
    default:
      return assertNever(error)
  }
}

export function aCodeIsForgotten(error: ServerError): string {
  // oxlint-disable-next-line typescript/switch-exhaustiveness-check -- this is the point
  switch (error.code) {
    case 'UNAUTHENTICATED':
    case 'INVALID_REFRESH_TOKEN':
    case 'RATE_LIMITED':
    case 'LINK_REQUIRED':
    case 'BAD_USER_INPUT':
    case 'INTERNAL_SERVER_ERROR':
    case 'PROVIDER_ERROR':
    case 'UNKNOWN_PROVIDER':
    case 'INVALID_FLOW':
    case 'LAST_CREDENTIAL':
    case 'REAUTHENTICATION_REQUIRED':
    case 'FORBIDDEN':
    case 'INVALID_CREDENTIALS':
    case 'REFRESH_TOKEN_REUSED':
    case 'PAYLOAD_TOO_LARGE':
    case 'QUERY_TOO_COMPLEX':
    case undefined:
      return ''
    default:
      // @ts-expect-error -- EMAIL_TAKEN is forgotten
      return assertNever(error)
  }
}

export function codesAreClosed(error: ServerError): void {
  // @ts-expect-error -- there is no such code
  void (error.code === 'EMAIL_TAKN')
  // @ts-expect-error -- not every error carries it
  void error.reason
  expectTypeOf(readServerError(error)).toEqualTypeOf<ServerError | undefined>()
}

declare const auth: AuthClient
declare const documents: {
  me: typeof MeDocument
  sessions: typeof SessionsDocument
  revoke: typeof RevokeSessionDocument
}

export async function requests(): Promise<void> {
  expectTypeOf((await auth.request(documents.me)).me).toEqualTypeOf<PersonFragment>()
  await auth.request(documents.sessions, {}, { signal: new AbortController().signal })
  await auth.request(documents.revoke, { id: 'a' })
  // @ts-expect-error -- the variables are missing
  await auth.request(documents.revoke)
  // @ts-expect-error -- an id is text
  await auth.request(documents.revoke, { id: 7 })
  // @ts-expect-error -- the operation takes no variables
  await auth.request(documents.me, { id: '7' })
  // @ts-expect-error -- it does not select them
  void (await auth.request(documents.me)).me.sessions
}

export function states(state: AuthState): string {
  switch (state.status) {
    case 'unknown':
      // @ts-expect-error -- no one is known
      void state.user
      return ''
    case 'signedIn':
      return state.user.id
    case 'signedOut':
      return state.reason ?? ''
    default:
      return assertNever(state)
  }
}
