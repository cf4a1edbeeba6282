// The generated client against a real server: its documents in Apollo Client, its hooks in React.
import { ApolloClient, HttpLink, InMemoryCache, gql } from '@apollo/client'
import { ApolloProvider, skipToken } from '@apollo/client/react'
import { prerenderStatic } from '@apollo/client/react/ssr'
import { createElement, type FunctionComponent } from 'react'
import { renderToStaticMarkup } from 'react-dom/server'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  ChangePasswordDocument,
  ErrorCode,
  LoginDocument,
  LogoutDocument,
  LogoutScope,
  MeDocument,
  ProtectedDocument,
  ProvidersDocument,
  RefreshTokenDocument,
  RegisterDocument,
  RevokeSessionDocument,
  SessionsDocument,
  readServerError,
} from '../../client/index.ts'
import { mutationHook, useMeQuery, useProtectedQuery } from '../../client/apollo.ts'
import { startServer, type TestServer } from '../support/server.ts'

const password = 'correct horse battery'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

/** A client that asks the server each time, with a token if one is given. */
function createApollo(accessToken?: string): ApolloClient {
  return new ApolloClient({
    link: new HttpLink({
      uri: `${server.url}/graphql`,
      headers: accessToken === undefined ? {} : { authorization: `Bearer ${accessToken}` },
    }),
    cache: new InMemoryCache(),
    defaultOptions: { query: { fetchPolicy: 'no-cache' } },
  })
}

function readReason(error: unknown) {
  const said = readServerError(error)
  return said?.code === 'UNAUTHENTICATED' ? said.reason : undefined
}

/** What the server says of an operation that is to fail. */
async function errorOf(operation: Promise<unknown>) {
  return readServerError(await operation.then(() => undefined).catch((error: unknown) => error))
}

describe('the typed documents', () => {
  it('take a user from registering to the last sign-out', async () => {
    const anonymous = createApollo()
    expect((await anonymous.query({ query: ProvidersDocument })).data?.providers).toEqual([])
    const registered = await anonymous.mutate({
      mutation: RegisterDocument,
      variables: { email: 'Ada@Example.com', password, name: 'Ada' },
    })
    const { accessToken, refreshToken, user } = registered.data!.register
    expect(user).toMatchObject({ email: 'ada@example.com', name: 'Ada', roles: ['USER'] })

    const first = createApollo(accessToken)
    expect((await first.query({ query: MeDocument })).data?.me).toMatchObject({ id: user.id })
    expect((await first.query({ query: ProtectedDocument })).data?.protected).toContain('Hello')

    const second = await anonymous.mutate({
      mutation: LoginDocument,
      variables: { email: 'ada@example.com', password },
    })
    const listed = await first.query({ query: SessionsDocument })
    const other = listed.data?.me.sessions.find(({ current }) => !current)
    expect(listed.data?.me.sessions).toHaveLength(2)
    const revoked = await first.mutate({
      mutation: RevokeSessionDocument,
      variables: { id: other!.id },
    })
    expect(revoked.data?.revokeSession).toBe(true)
    const ended = createApollo(second.data!.login.accessToken)
    expect(await errorOf(ended.query({ query: MeDocument }))).toMatchObject({
      code: ErrorCode.UNAUTHENTICATED,
      reason: 'SESSION_ENDED',
    })

    const refreshed = await anonymous.mutate({
      mutation: RefreshTokenDocument,
      variables: { refreshToken },
    })
    const changed = await createApollo(refreshed.data!.refreshToken.accessToken).mutate({
      mutation: ChangePasswordDocument,
      variables: { currentPassword: password, newPassword: 'battery staple correct' },
    })
    const last = createApollo(changed.data!.changePassword.accessToken)
    const loggedOut = await last.mutate({
      mutation: LogoutDocument,
      variables: { scope: LogoutScope.ALL },
    })
    expect(loggedOut.data?.logout).toBe(true)
    expect(await errorOf(last.query({ query: MeDocument }))).toMatchObject({
      reason: 'SESSION_ENDED',
    })
  })

  it('give every failure with its code and what belongs to it', async () => {
    const anonymous = createApollo()
    const { email } = await server.client.register()
    const register = (variables: { email: string; password: string }) =>
      errorOf(anonymous.mutate({ mutation: RegisterDocument, variables }))
    expect(await register({ email, password })).toEqual({
      code: 'EMAIL_TAKEN',
      message: expect.any(String),
    })
    expect(await register({ email: 'new@example.com', password: 'short' })).toMatchObject({
      code: 'BAD_USER_INPUT',
      field: 'password',
    })
    // Also where the HTTP status is not 200.
    expect(await errorOf(anonymous.query({ query: ProtectedDocument }))).toMatchObject({
      code: 'UNAUTHENTICATED',
      reason: 'TOKEN_MISSING',
    })
  })

  it('give no code for a mistake in the client, and nothing if the server is not reached', async () => {
    const outdated = gql`
      query Outdated {
        me {
          nickname
        }
      }
    `
    const mistake = await errorOf(createApollo().query({ query: outdated }))
    expect(mistake).toMatchObject({ code: undefined, message: expect.any(String) })
    const nowhere = new ApolloClient({
      link: new HttpLink({ uri: 'http://127.0.0.1:1/graphql' }),
      cache: new InMemoryCache(),
    })
    expect(await errorOf(nowhere.query({ query: MeDocument }))).toBeUndefined()
  })
})

describe('the hooks', () => {
  /** Renders until nothing more is asked of the server. */
  async function render(component: FunctionComponent, client: ApolloClient): Promise<string> {
    const tree = createElement(ApolloProvider, { client, children: createElement(component) })
    const { result } = await prerenderStatic({ tree, renderFunction: renderToStaticMarkup })
    return result
  }

  it('render what the server answers', async () => {
    const { accessToken, email } = await server.client.register()
    const Page = () => {
      const { data } = useMeQuery()
      const { data: more } = useProtectedQuery()
      return createElement('p', {}, data?.me.email, ' ', more?.protected)
    }
    expect(await render(Page, createApollo(accessToken))).toBe(
      `<p>${email} Hello, ${email}! This is a protected field.</p>`,
    )
  })

  it('render why the server refuses', async () => {
    const Page = () => {
      const { error } = useMeQuery()
      return createElement('p', {}, readReason(error))
    }
    expect(await render(Page, createApollo('stale'))).toBe('<p>TOKEN_INVALID</p>')
  })

  it('ask nothing if they are told to skip', async () => {
    const Page = () => {
      const { data, loading } = useMeQuery(skipToken)
      return createElement('p', {}, loading ? 'loading' : (data?.me.id ?? 'nothing'))
    }
    const { accessToken } = await server.client.register()
    expect(await render(Page, createApollo(accessToken))).toBe('<p>nothing</p>')
  })

  it('send a mutation when it is called, with what the hook was given and what is added', async () => {
    const { email } = await server.client.register({ password })
    let login: ReturnType<typeof useLoginWithEmail>[0] | undefined
    const useLogin = mutationHook(LoginDocument)
    const useLoginWithEmail = () => useLogin({ variables: { email } })
    const Page = () => {
      ;[login] = useLoginWithEmail()
      return null
    }
    await render(Page, createApollo())
    const { data } = await login!({ variables: { password } })
    expect(data?.login.user.email).toBe(email)
  })
})
