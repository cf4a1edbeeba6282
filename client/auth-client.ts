/** The client of a front end: a session that renews itself, in all tabs, and ends cleanly. */
import type { TypedDocumentNode } from '@graphql-typed-document-node/core'
import { absolute, attempt, createAuthorizedFetch, type TokenSource } from './authorized-fetch.ts'
import { readStorage, type Coordination } from './coordination.ts'
import {
  BeginProviderLoginDocument,
  ChangePasswordDocument,
  LinkProviderDocument,
  LoginDocument,
  LoginWithProviderDocument,
  LogoutDocument,
  MeDocument,
  ReauthenticateDocument,
  ReauthenticateWithProviderDocument,
  RegisterDocument,
  type PersonFragment,
  type SignedInFragment,
} from './generated/operations.ts'
import type { LogoutScope, TokenErrorReason } from './generated/schema.ts'
import { SessionManager } from './session-manager.ts'
import { readRefusal, send, unwrap, type ProofRequired } from './operation.ts'
import type { AskForProof } from './proof.ts'
import {
  createProviderLogin,
  memoryFlowStorage,
  type FlowStorage,
  type ProviderLogin,
} from './provider-login.ts'
import { scheduleByTimer, type Schedule } from './renewal.ts'
import type { AuthState } from './session.ts'
import type { TokenStore } from './tokens.ts'

export interface AuthClientOptions {
  /** The `/graphql` endpoint; in a browser it may be relative. */
  readonly url: string
  /**
   * Where the app keeps tokens itself. Left out, as in browsers: the refresh token is in a cookie that
   * scripts cannot read, the access token in memory.
   */
  readonly tokens?: TokenStore
  /** Renews the access token this long before it ends; default 30, never in the first half of its life. */
  readonly renewBeforeSeconds?: number
  /** Origins of services of your own that `fetch` sends the token to, in addition to the endpoint's. */
  readonly origins?: readonly string[]
  readonly fetch?: typeof fetch
  /** Milliseconds since the epoch. */
  readonly clock?: () => number
  /** Default: timers. */
  readonly schedule?: Schedule
  /** How tabs agree; default: Web Locks and BroadcastChannel in a browser, `none` elsewhere. */
  readonly coordination?: Coordination | 'none'
  /**
   * Asks the user to prove again who they are, because a field needs a recent proof: calls `reauthenticate`,
   * or goes to a provider with the purpose `reauthenticate`. The operation is then sent again, unless a part
   * of it may have run. Left out, operations fail with `REAUTHENTICATION_REQUIRED`.
   * @returns whether the user did
   */
  readonly onReauthenticationRequired?: AskForProof
  /** Where flows with a provider wait; default: `sessionStorage`, elsewhere memory. */
  readonly flows?: FlowStorage
}

export interface RequestOptions {
  readonly signal?: AbortSignal
}

/** Variables may be left out if none is required. */
export type RequestArguments<V> = {} extends V
  ? [variables?: V, options?: RequestOptions]
  : [variables: V, options?: RequestOptions]

export interface AuthClient extends TokenSource {
  /** The same object until something changes. */
  readonly state: AuthState
  /** @returns stops listening */
  readonly subscribe: (listener: () => void) => () => void
  /**
   * Finds out who is signed in, by the cookie or the app's store. Asks once, however often it is called.
   * @throws NetworkError, and AuthError if the server is too busy to say; the state stays `unknown`,
   * and becomes known by itself when the server can be reached again
   */
  start(): Promise<AuthState>
  /**
   * A good access token, renewed if it is about to end; undefined if no one is signed in.
   * @throws NetworkError, AuthError: it cannot be renewed now, or the session has just ended
   */
  accessToken(): Promise<string | undefined>
  /** The API's address. */
  readonly url: string
  /**
   * For a token that is sent in a way of your own: notifies the client that a server refused it. A session
   * that is over ends here too.
   * @param reason of this API's `UNAUTHENTICATED`. Leave it out if another service refused the token: the
   * client then renews it, once in 30 seconds at most, and finds out whether the session has ended
   * @returns the next token, if the request can be sent again
   */
  handleRejectedToken(accessToken: string, reason?: TokenErrorReason): Promise<string | undefined>
  /** `fetch` with the access token; once more with the next one after a refusal. For urql, and for services of your own. */
  readonly fetch: typeof fetch
  /**
   * One operation.
   * @throws AuthError if the server refuses, NetworkError if it is not reached
   */
  request<D, V>(document: TypedDocumentNode<D, V>, ...rest: RequestArguments<V>): Promise<D>
  /** @throws AuthError EMAIL_TAKEN, BAD_USER_INPUT, FORBIDDEN if registration is closed …; NetworkError */
  register(input: {
    readonly email: string
    readonly password: string
    readonly name?: string | null
  }): Promise<PersonFragment>
  /** @throws AuthError INVALID_CREDENTIALS, RATE_LIMITED, UNAUTHENTICATED (ACCOUNT_DISABLED) …; NetworkError */
  login(input: { readonly email: string; readonly password: string }): Promise<PersonFragment>
  /**
   * Proves with the password that it is still the same user, for fields that need a recent proof.
   * @throws AuthError INVALID_CREDENTIALS, RATE_LIMITED …; NetworkError
   */
  reauthenticate(input: { readonly password: string }): Promise<PersonFragment>
  /**
   * How many seconds ago the user last proved who they are, by the server's clock; undefined if no one is
   * signed in. For pages that ask before they send the user to a provider.
   */
  proofAge(): number | undefined
  /** Ends the user's other sessions. @throws AuthError INVALID_CREDENTIALS, BAD_USER_INPUT …; NetworkError */
  changePassword(input: {
    readonly currentPassword?: string | null
    readonly newPassword: string
  }): Promise<PersonFragment>
  /**
   * Signs out this session (`THIS`, the default), all the others, or all. `THIS` and `ALL` sign out every
   * tab, also if the server cannot be reached.
   * @throws NetworkError, AuthError: signed out here, but the server does not know. With the cookie it is
   * told when the page is loaded the next time, before anything else.
   */
  logout(scope?: LogoutScope): Promise<void>
  /** Reads the user again, after something about them was changed. @returns undefined if no one is signed in */
  reload(): Promise<PersonFragment | undefined>
  readonly providerLogin: ProviderLogin
  /** Ends timers and the channel to other tabs; the session stays. */
  close(): void
}

/** Made once for a page. Nothing happens before the first call. */
export function createAuthClient(options: AuthClientOptions): AuthClient {
  const { clock = Date.now, tokens: store } = options
  const endpoint = {
    // However a page writes it, it is one server.
    url: absolute(options.url)?.href ?? options.url,
    // Called as a method, a browser's fetch throws.
    fetch: options.fetch ?? ((...call: Parameters<typeof fetch>) => fetch(...call)),
    usesCookie: store === undefined,
  }
  const transport = store ? ('BODY' as const) : ('COOKIE' as const)
  const manager = new SessionManager({
    endpoint,
    store,
    renewBeforeSeconds: options.renewBeforeSeconds ?? 30,
    clock,
    schedule: options.schedule ?? scheduleByTimer,
    coordination: options.coordination,
    askForProof: options.onReauthenticationRequired,
  })
  const source = {
    url: endpoint.url,
    accessToken: () => manager.accessToken(),
    handleRejectedToken: (accessToken: string, reason?: TokenErrorReason) =>
      manager.handleRejectedToken(accessToken, reason),
    proofRequired: (accessToken: string, proof: ProofRequired) =>
      manager.proofRequired(accessToken, proof),
  } satisfies TokenSource

  async function request<D, V>(
    document: TypedDocumentNode<D, V>,
    ...[variables, { signal } = {}]: RequestArguments<V>
  ): Promise<D> {
    const answer = await attempt(
      source,
      (accessToken) => send(endpoint, document, variables, { accessToken, signal }),
      (said) => readRefusal(said, { document, isOwn: true }),
      signal,
    )
    return unwrap(answer)
  }

  function signIn<D, V>(
    document: TypedDocumentNode<D, V>,
    variables: V,
    read: (said: D) => SignedInFragment,
  ): Promise<PersonFragment> {
    return manager.signIn(async (signal) => {
      const answer = await send(endpoint, document, variables, { signal, keepalive: true })
      return read(unwrap(answer))
    })
  }

  /** An operation of a signed-in user that replaces the tokens of the session. */
  async function replaceTokens<D, V>(
    document: TypedDocumentNode<D, V>,
    variables: V,
    read: (said: D) => SignedInFragment,
  ): Promise<PersonFragment> {
    const answer = await attempt(
      source,
      (accessToken) =>
        manager.replaceTokens(
          (signal) => send(endpoint, document, variables, { accessToken, signal, keepalive: true }),
          ({ data }) => (data == null ? undefined : read(data)),
        ),
      (said) => readRefusal(said, { document, isOwn: true }),
    )
    return read(unwrap(answer)).user
  }

  async function logout(scope: LogoutScope = 'THIS'): Promise<void> {
    if (scope !== 'OTHERS') return manager.signOut(scope)
    await request(LogoutDocument, { scope })
  }

  async function reload(): Promise<PersonFragment | undefined> {
    if ((await manager.accessToken()) === undefined) return undefined
    const { me } = await request(MeDocument)
    manager.update(me)
    return me
  }

  const providerLogin = createProviderLogin({
    clock,
    flows: options.flows ?? readStorage('sessionStorage') ?? memoryFlowStorage(),
    begin: async (provider, redirectUri, purpose) => {
      const variables = {
        provider,
        redirectUri,
        ...(purpose === 'reauthenticate' && { purpose: 'REAUTHENTICATE' as const }),
      }
      const { beginProviderLogin } =
        purpose === 'login'
          ? unwrap(await send(endpoint, BeginProviderLoginDocument, variables))
          : await request(BeginProviderLoginDocument, variables)
      return beginProviderLogin
    },
    finish: async (purpose, answer) => {
      if (purpose === 'login') {
        const variables = { ...answer, transport }
        return signIn(LoginWithProviderDocument, variables, (said) => said.loginWithProvider)
      }
      if (purpose === 'reauthenticate') {
        return replaceTokens(
          ReauthenticateWithProviderDocument,
          answer,
          (said) => said.reauthenticateWithProvider,
        )
      }
      await request(LinkProviderDocument, answer)
      // It is linked, whether or not the user can be read again now.
      const user = await reload().catch(() => manager.session.held?.user)
      if (!user) throw manager.session.endedError()
      return user
    },
  })

  return {
    get state() {
      return manager.session.state
    },
    subscribe: (listener) => manager.session.subscribe(listener),
    start: () => manager.start(),
    ...source,
    fetch: createAuthorizedFetch({
      endpoint,
      origins: options.origins ?? [],
      source,
    }),
    request,
    register: (input) => signIn(RegisterDocument, { ...input, transport }, (said) => said.register),
    login: (input) => signIn(LoginDocument, { ...input, transport }, (said) => said.login),
    reauthenticate: (input) =>
      replaceTokens(ReauthenticateDocument, input, (said) => said.reauthenticate),
    proofAge: () => manager.proofAge(),
    changePassword: (input) =>
      replaceTokens(ChangePasswordDocument, input, (said) => said.changePassword),
    logout,
    reload,
    providerLogin,
    close: () => manager.close(),
  }
}
