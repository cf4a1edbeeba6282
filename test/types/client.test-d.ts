// What the generated client lets compile, and what it does not: `npm run check:types` is the test.
import type { ApolloClient } from '@apollo/client'
import { skipToken } from '@apollo/client/react'
import { expectTypeOf } from 'vitest'
import {
  ErrorCode,
  LoginDocument,
  LogoutScope,
  MeDocument,
  ProvidersDocument,
  RegisterDocument,
  RevokeSessionDocument,
  SessionsDocument,
  readServerError,
  type LoginMutationVariables,
  type MeQuery,
  type Role,
  type ServerError,
  type TokenErrorReason,
} from '../../client/index.ts'
import {
  mutationHook,
  useLogoutMutation,
  useMeQuery,
  useProtectedQuery,
  useRevokeSessionMutation,
} from '../../client/apollo.ts'

declare const client: ApolloClient

export async function documents(): Promise<void> {
  const email = 'ada@example.com'
  const password = 'correct horse battery'

  const login = await client.mutate({ mutation: LoginDocument, variables: { email, password } })
  expectTypeOf(login.data?.login.accessToken).toEqualTypeOf<string | undefined>()
  expectTypeOf(login.data?.login.refreshToken).toEqualTypeOf<string | null | undefined>()
  expectTypeOf(login.data?.login.expiresIn).toEqualTypeOf<number | undefined>()
  expectTypeOf(login.data?.login.user.roles).toEqualTypeOf<Role[] | undefined>()

  // @ts-expect-error -- a variable is missing
  await client.mutate({ mutation: LoginDocument, variables: { email } })
  // @ts-expect-error -- all of them are missing
  await client.mutate({ mutation: LoginDocument })
  // @ts-expect-error -- a variable has another type
  await client.mutate({ mutation: LoginDocument, variables: { email, password: 12345678 } })
  // @ts-expect-error -- null does not fit String!
  await client.mutate({ mutation: LoginDocument, variables: { email, password: null } })
  const misspelt = { email, passwort: password }
  // @ts-expect-error -- a variable has another name
  await client.mutate({ mutation: LoginDocument, variables: misspelt })
  await client.mutate({
    mutation: LoginDocument,
    // @ts-expect-error -- the operation has no such variable
    variables: { email, password, rememberMe: true },
  })

  // What has a default, or may be null, may be left out.
  await client.mutate({ mutation: RegisterDocument, variables: { email, password } })
  await client.mutate({
    mutation: RegisterDocument,
    variables: { email, password, name: null, transport: 'COOKIE' },
  })
  await client.mutate({
    mutation: RegisterDocument,
    // @ts-expect-error -- the enum has no such value
    variables: { email, password, transport: 'HEADER' },
  })

  const me = await client.query({ query: MeDocument })
  // A date-time travels as text.
  expectTypeOf(me.data?.me.createdAt).toEqualTypeOf<string | undefined>()
  // @ts-expect-error -- the schema has the field, the operation does not select it
  void me.data?.me.sessions
  // @ts-expect-error -- there is no such field
  void me.data?.me.username

  const sessions = await client.query({ query: SessionsDocument })
  expectTypeOf(sessions.data?.me.sessions[0]?.id).toEqualTypeOf<string | undefined>()
  // @ts-expect-error -- a query is not a mutation's variables: it takes none
  await client.query({ query: ProvidersDocument, variables: { id: 'google' } })
  // @ts-expect-error -- an id is text
  await client.mutate({ mutation: RevokeSessionDocument, variables: { id: 7 } })
}

export function hooks(): void {
  const { data, error } = useMeQuery()
  expectTypeOf(data).toEqualTypeOf<MeQuery | undefined>()
  useMeQuery({ fetchPolicy: 'network-only' })
  useMeQuery(skipToken)
  // @ts-expect-error -- there is no such option
  useMeQuery({ fetchPolice: 'network-only' })
  // @ts-expect-error -- a partial result has another type than the hook's
  useMeQuery({ returnPartialData: true })
  // @ts-expect-error -- the operation takes no variables
  useMeQuery({ variables: { id: '7' } })
  // @ts-expect-error -- the operation does not select it
  void data?.me.identities
  expectTypeOf(useProtectedQuery().data?.protected).toEqualTypeOf<string | undefined>()
  expectTypeOf(readServerError(error)).toEqualTypeOf<ServerError | undefined>()

  const useLoginMutation = mutationHook(LoginDocument)
  const [login, { data: signedIn, loading }] = useLoginMutation()
  expectTypeOf(loading).toEqualTypeOf<boolean>()
  expectTypeOf(signedIn?.login.accessToken).toEqualTypeOf<string | undefined>()
  const variables: LoginMutationVariables = { email: 'ada@example.com', password: 'correct horse' }
  void login({ variables })
  // @ts-expect-error -- the variables are missing
  void login()
  // @ts-expect-error -- one of them is missing
  void login({ variables: { email: 'ada@example.com' } })

  // What the hook has been given need not be given again; what it lacks must be.
  const [revoke] = useRevokeSessionMutation({ variables: { id: 'a' } })
  void revoke()
  void revoke({ variables: { id: 'b' } })
  const [loginAsAda] = useLoginMutation({ variables: { email: 'ada@example.com' } })
  void loginAsAda({ variables: { password: 'correct horse' } })
  // @ts-expect-error -- the password is still missing
  void loginAsAda()
  // @ts-expect-error -- the operation has no such variable
  useRevokeSessionMutation({ variables: { sessionId: 'a' } })

  const [logout] = useLogoutMutation()
  void logout()
  void logout({ variables: { scope: LogoutScope.ALL } })
  // @ts-expect-error -- the enum has no such value
  void logout({ variables: { scope: 'EVERYWHERE' } })
}

export function enums(failure: ServerError): TokenErrorReason | undefined {
  expectTypeOf(ErrorCode.EMAIL_TAKEN).toEqualTypeOf<'EMAIL_TAKEN'>()
  // @ts-expect-error -- there is no such code
  void ErrorCode.EMAIL_TAKN
  // @ts-expect-error -- nor can one be compared with
  void (failure.code === 'EMAIL_TAKN')
  return failure.code === ErrorCode.UNAUTHENTICATED ? failure.reason : undefined
}
