/** The client of a front end: a session that renews itself, in all tabs, and ends cleanly. */
import type { TypedDocumentNode } from '@graphql-typed-document-node/core'
import { attempt, createAuthorizedFetch, type TokenSource } from './authorized-fetch.ts'
import {
  createCoordination,
  createSolitude,
  isBrowser,
  readStorage,
  type Coordination,
  type TabMessage,
} from './coordination.ts'
import { NetworkError, readServerError } from './errors.ts'
import {
  BeginProviderLoginDocument,
  ChangePasswordDocument,
  LinkProviderDocument,
  LoginDocument,
  LoginWithProviderDocument,
  LogoutDocument,
  MeDocument,
  RefreshTokenDocument,
  RegisterDocument,
  type PersonFragment,
  type SignedInFragment,
} from './generated/operations.ts'
import type { LogoutScope, TokenErrorReason } from './generated/schema.ts'
import { readRefusal, send, unwrap, type SendOptions } from './operation.ts'
import {
  createProviderLogin,
  memoryFlowStorage,
  type FlowStorage,
  type ProviderLogin,
} from './provider-login.ts'
import { Renewal, scheduleByTimer, type Schedule } from './renewal.ts'
import { Session, type AuthState, type HeldSession, type SignedOutReason } from './session.ts'
import { sessionIdOf, type Tokens, type TokenStore } from './tokens.ts'

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
  /** Origins of services of your own that `fetch` sends the token to, beside the endpoint's. */
  readonly origins?: readonly string[]
  readonly fetch?: typeof fetch
  /** Milliseconds since the epoch. */
  readonly clock?: () => number
  /** Default: timers. */
  readonly schedule?: Schedule
  /** How tabs agree; default: Web Locks and BroadcastChannel in a browser, `none` elsewhere. */
  readonly coordination?: Coordination | 'none'
  /** Where flows with a provider wait; default: `sessionStorage`, elsewhere memory. */
  readonly flows?: FlowStorage
}

export interface RequestOptions {
  readonly signal?: AbortSignal
}

/** Variables may be left out where none is required. */
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
   * @throws NetworkError, and AuthError where the server is too busy to say; the state stays `unknown`,
   * and becomes known by itself when the server can be reached again
   */
  start(): Promise<AuthState>
  /**
   * A good access token, renewed if it is about to end; undefined where nobody is signed in.
   * @throws NetworkError, AuthError: it cannot be renewed now, or the session has just ended
   */
  accessToken(): Promise<string | undefined>
  /**
   * For those who send the token in a way of their own: tells what the server has against it. A session
   * that is over ends here too.
   * @returns the next token, where the first one's time was over
   */
  refused(accessToken: string, reason: TokenErrorReason): Promise<string | undefined>
  /** `fetch` with the access token; once more where only its time was over. For urql, and for services of your own. */
  readonly fetch: typeof fetch
  /**
   * One operation.
   * @throws AuthError where the server refuses, NetworkError where it is not reached
   */
  request<D, V>(document: TypedDocumentNode<D, V>, ...rest: RequestArguments<V>): Promise<D>
  /** @throws AuthError EMAIL_TAKEN, BAD_USER_INPUT, FORBIDDEN where registration is closed …; NetworkError */
  register(input: {
    readonly email: string
    readonly password: string
    readonly name?: string | null
  }): Promise<PersonFragment>
  /** @throws AuthError INVALID_CREDENTIALS, RATE_LIMITED, UNAUTHENTICATED (ACCOUNT_DISABLED) …; NetworkError */
  login(input: { readonly email: string; readonly password: string }): Promise<PersonFragment>
  /** Ends the person's other sessions. @throws AuthError INVALID_CREDENTIALS, BAD_USER_INPUT …; NetworkError */
  changePassword(input: {
    readonly currentPassword?: string | null
    readonly newPassword: string
  }): Promise<PersonFragment>
  /**
   * Signs out this session (`THIS`, the default), all the others, or all. `THIS` and `ALL` sign out every
   * tab, also where the server cannot be reached.
   * @throws NetworkError, AuthError: signed out here, but the server does not know. With the cookie it is
   * told when the page is loaded the next time, before anything else.
   */
  logout(scope?: LogoutScope): Promise<void>
  /** Reads the person again, after something about them was changed. @returns undefined where nobody is signed in */
  reload(): Promise<PersonFragment | undefined>
  readonly providerLogin: ProviderLogin
  /** Ends timers and the channel to other tabs; the session stays. */
  close(): void
}

/** A lock is held meanwhile, and requests wait: no longer than the server itself takes. */
const timeoutMilliseconds = 30_000

/** Made once for a page. Nothing happens before the first call. */
export function createAuthClient(options: AuthClientOptions): AuthClient {
  const { clock = Date.now, tokens: store, url } = options
  const endpoint = {
    url,
    // Called as a method, a browser's fetch throws.
    fetch: options.fetch ?? ((...call: Parameters<typeof fetch>) => fetch(...call)),
    usesCookie: store === undefined,
  }
  const transport = store ? ('BODY' as const) : ('COOKIE' as const)
  const session = new Session(options.renewBeforeSeconds ?? 30)
  const pendingSignOut = createMark(`latchkey ${url} sign-out`)
  let coordination: Coordination | undefined
  let starting: Promise<AuthState> | undefined
  let stopListening: (() => void)[] = []

  const renewal = new Renewal({
    exclusive: (task) => tabs().exclusive(task),
    isHeld: (accessToken) => session.held?.tokens.accessToken === accessToken,
    refresh,
    clock,
    schedule: options.schedule ?? scheduleByTimer,
  })

  /** The other tabs, from the first call on. */
  function tabs(): Coordination {
    if (coordination) return coordination
    coordination = createTabs(options)
    stopListening = [coordination.listen(hear), ...listenToPage(renewal, () => void lookAgain())]
    return coordination
  }

  // --- What comes from the server ---------------------------------------------------------------

  function sendOnce<D, V>(
    document: TypedDocumentNode<D, V>,
    variables: V | undefined,
    sending?: SendOptions,
  ) {
    return send(endpoint, document, variables, sending)
  }

  async function takeOver(
    payload: SignedInFragment,
    sentAt: number,
    cause: 'signIn' | 'renewal',
  ): Promise<PersonFragment> {
    const tokens: Tokens = {
      accessToken: payload.accessToken,
      // From when it was asked for: the answer may have been long on its way.
      expiresAt: sentAt + payload.expiresIn * 1000,
      lifetimeSeconds: payload.expiresIn,
      refreshToken: store ? (payload.refreshToken ?? undefined) : undefined,
    }
    if (!session.adopt(tokens, payload.user)) return payload.user
    if (cause === 'signIn') pendingSignOut.clear()
    await store?.write(tokens)
    share(cause)
    return payload.user
  }

  /** In turn with the other tabs: gets the next tokens, or learns that the session is over. */
  async function refresh(aborted: AbortSignal): Promise<void> {
    const stale = session.held
    let refreshToken = stale?.tokens.refreshToken
    if (store) {
      const stored = await store.read()
      if (stored && stored.accessToken !== stale?.tokens.accessToken && isGood(stored)) {
        await adoptStored(stored, aborted)
        if (session.state.status === 'signedOut' || session.held !== stale) return
      }
      refreshToken = stored?.refreshToken ?? refreshToken
      if (refreshToken === undefined) return forget(stale && 'TOKEN_EXPIRED')
    }
    const sentAt = clock()
    const answer = await twice(aborted, () =>
      within(aborted, (signal) =>
        sendOnce(RefreshTokenDocument, refreshToken === undefined ? {} : { refreshToken }, {
          signal,
        }),
      ),
    )
    const failure = readServerError(answer)
    if (aborted.aborted) return
    if (failure?.code === 'REFRESH_TOKEN_REUSED') return forget(failure.code)
    if (failure?.code === 'INVALID_REFRESH_TOKEN') {
      // Without a token nobody was signed in, or another tab has signed out.
      const { reason } = failure
      return forget(reason === 'TOKEN_MISSING' ? stale && 'SESSION_ENDED' : reason)
    }
    await takeOver(unwrap(answer).refreshToken, sentAt, 'renewal')
  }

  /** Signs in, in turn: a renewal that is under way would write its cookie over the new one. */
  function signIn(getPayload: (sending: SendOptions) => Promise<SignedInFragment>) {
    return tabs().exclusive(async () => {
      const sentAt = clock()
      const payload = await within(undefined, (signal) => getPayload({ signal }))
      return takeOver(payload, sentAt, 'signIn')
    })
  }

  // --- The end ----------------------------------------------------------------------------------

  /** Of a session that the server, or the person, has ended. */
  function end(reason: SignedOutReason | undefined): Promise<void> {
    renewal.abort()
    return forget(reason)
  }

  /** @param reason undefined where nobody was signed in */
  async function forget(reason: SignedOutReason | undefined): Promise<void> {
    const { held } = session
    session.end(reason)
    if (held) tabs().tell({ type: 'signedOut', sessionId: held.id, reason: reason ?? 'SIGNED_OUT' })
    await store?.clear()
  }

  async function logout(scope: LogoutScope = 'THIS'): Promise<void> {
    if (scope === 'OTHERS') return void (await request(LogoutDocument, { scope }))
    // Needs a good access token, so it comes first.
    const failure =
      scope === 'ALL' ? await failureOf(request(LogoutDocument, { scope })) : undefined
    const tokens = (await store?.read()) ?? session.held?.tokens
    if (!store) pendingSignOut.set()
    await end('SIGNED_OUT')
    await tabs().exclusive(async () => {
      // A sign-in that was under way when the person signed out ends as well.
      const late = session.held?.tokens
      if (late) await end('SIGNED_OUT')
      await tellSignOut(late ?? tokens)
    })
    if (failure) throw failure
  }

  async function tellSignOut(tokens: Tokens | undefined): Promise<void> {
    const { accessToken, refreshToken = null } = tokens ?? {}
    unwrap(
      await within(undefined, (signal) =>
        sendOnce(LogoutDocument, { scope: 'THIS', refreshToken }, { accessToken, signal }),
      ),
    )
    pendingSignOut.clear()
  }

  // --- The other tabs ---------------------------------------------------------------------------

  function share(cause: 'signIn' | 'renewal' | 'answer'): void {
    const { held } = session
    if (!held) return
    const { accessToken, expiresAt, lifetimeSeconds } = held.tokens
    tabs().tell({
      type: 'session',
      cause,
      session: { accessToken, expiresAt, lifetimeSeconds, user: held.user },
    })
  }

  function hear(message: TabMessage): void {
    const { held } = session
    if (message.type === 'ask') {
      if (held && clock() < held.renewAt) share('answer')
    } else if (store) {
      // The store is what tabs share, if they do: it says what is true.
      void lookAgain()
    } else if (message.type === 'signedOut') {
      if (message.sessionId !== undefined) session.markEnded(message.sessionId)
      if (!held || (message.sessionId ?? held.id) !== held.id) return
      session.end(message.reason as SignedOutReason)
      renewal.abort()
    } else if (message.session) {
      const { user, ...tokens } = message.session
      const isSame = sessionIdOf(tokens.accessToken) === held?.id
      const isNewer = isSame
        ? tokens.expiresAt >= (held?.tokens.expiresAt ?? 0)
        : !held || message.cause !== 'answer'
      if (isNewer) session.adopt({ ...tokens, refreshToken: undefined }, user)
    } else if (message.cause === 'signIn') {
      void lookAgain()
    }
  }

  /** Something may have happened elsewhere: asks the store, or by the cookie. */
  async function lookAgain(): Promise<void> {
    const held = session.held
    try {
      if (!store) return await renewal.renew(held?.tokens.accessToken)
      const stored = await store.read()
      if (stored?.accessToken === held?.tokens.accessToken) return
      if (!stored) return session.end('SIGNED_OUT')
      if (isGood(stored)) await adoptStored(stored)
      else await renewal.renew(held?.tokens.accessToken)
    } catch {
      // It will be seen at the next call.
    }
  }

  // --- The beginning ----------------------------------------------------------------------------

  function isGood(tokens: Tokens): boolean {
    return clock() < session.renewAt(tokens)
  }

  /** Tokens that the store has, of somebody whom it does not name. */
  async function adoptStored(tokens: Tokens, aborted?: AbortSignal): Promise<void> {
    const { accessToken } = tokens
    const { held } = session
    if (held?.id !== undefined && held.id === sessionIdOf(accessToken)) {
      return void session.adopt(tokens, held.user)
    }
    const answer = await within(aborted, (signal) =>
      sendOnce(MeDocument, undefined, { accessToken, signal }),
    )
    const reason = readRefusal(answer, MeDocument)?.reason
    // This client's clock is wrong; the tokens are to be renewed.
    if (reason === 'TOKEN_EXPIRED') return
    if (reason !== undefined) return forget(toReason(reason))
    session.adopt(tokens, unwrap(answer).me)
  }

  async function restore(): Promise<AuthState> {
    if (pendingSignOut.isSet() && !store) {
      await tabs().exclusive(() => tellSignOut(undefined))
      await end('SIGNED_OUT')
      return session.state
    }
    const stored = await store?.read()
    try {
      if (store && !stored) session.end()
      else if (stored && isGood(stored)) await adoptStored(stored)
      if (session.state.status === 'unknown') await renewal.renew(undefined)
    } catch (error) {
      // Somebody signed in or out meanwhile: then it is known.
      if (session.state.status === 'unknown') throw error
    }
    // The session is one that has just ended in another tab.
    if (session.state.status === 'unknown') session.end()
    return session.state
  }

  async function start(): Promise<AuthState> {
    tabs()
    if (session.state.status !== 'unknown') return session.state
    return (starting ??= restore().finally(() => (starting = undefined)))
  }

  // --- What requests need -----------------------------------------------------------------------

  async function getAccessToken(): Promise<string | undefined> {
    await start()
    const { held } = session
    if (!held || clock() < held.renewAt) return held?.tokens.accessToken
    try {
      await renewal.renew(held.tokens.accessToken)
    } catch (error) {
      if (!session.held) throw session.endedError()
      // It is early yet: the old token does as long as it is good.
      if (session.held !== held || clock() >= held.tokens.expiresAt) throw error
    }
    return tokenOf(held)
  }

  /** The token that is held now. What was asked for one person is never sent as another. */
  function tokenOf(before: HeldSession): string {
    const { held } = session
    if (held?.user.id !== before.user.id) throw session.endedError()
    return held.tokens.accessToken
  }

  async function refused(
    refusedToken: string,
    reason: TokenErrorReason,
  ): Promise<string | undefined> {
    const { held } = session
    // It is about another session than the one that is held by now.
    if (!held || sessionIdOf(refusedToken) !== held.id) return undefined
    const isCurrent = held.tokens.accessToken === refusedToken
    switch (reason) {
      case 'TOKEN_EXPIRED':
        if (!isCurrent) return getAccessToken()
        await renewUnlessEnded(refusedToken)
        return session.held?.user.id === held.user.id ? session.held.tokens.accessToken : undefined
      case 'ACCOUNT_DISABLED':
        // It may be said of somebody else, who tried to sign in: the renewal tells.
        if (isCurrent) await renewUnlessEnded(refusedToken)
        return undefined
      case 'SESSION_ENDED':
      case 'TOKEN_INVALID':
        await end(reason)
        return undefined
      case 'TOKEN_MISSING':
        return undefined
    }
  }

  async function renewUnlessEnded(stale: string): Promise<void> {
    try {
      await renewal.renew(stale)
    } catch (error) {
      if (session.held) throw error
    }
  }

  const source: TokenSource = { accessToken: getAccessToken, refused }

  async function request<D, V>(
    document: TypedDocumentNode<D, V>,
    ...[variables, { signal } = {}]: RequestArguments<V>
  ): Promise<D> {
    const answer = await attempt(
      source,
      (token) => sendOnce(document, variables, { accessToken: token, signal }),
      (said) => readRefusal(said, document),
      signal,
    )
    return unwrap(answer)
  }

  async function reload(): Promise<PersonFragment | undefined> {
    if ((await getAccessToken()) === undefined) return undefined
    const { me } = await request(MeDocument)
    session.update(me)
    share('renewal')
    return me
  }

  const providerLogin = createProviderLogin({
    clock,
    flows: options.flows ?? readStorage('sessionStorage') ?? memoryFlowStorage(),
    begin: async (provider, redirectUri, purpose) => {
      const variables = { provider, redirectUri }
      const { beginProviderLogin } =
        purpose === 'link'
          ? await request(BeginProviderLoginDocument, variables)
          : unwrap(await sendOnce(BeginProviderLoginDocument, variables))
      return beginProviderLogin
    },
    finish: async (purpose, answer) => {
      if (purpose === 'login') {
        return signIn(async (sending) => {
          const variables = { ...answer, transport }
          return unwrap(await sendOnce(LoginWithProviderDocument, variables, sending))
            .loginWithProvider
        })
      }
      await request(LinkProviderDocument, answer)
      const user = await reload()
      if (!user) throw session.endedError()
      return user
    },
  })

  return {
    get state() {
      return session.state
    },
    subscribe: (listener) => session.subscribe(listener),
    start,
    accessToken: getAccessToken,
    refused,
    fetch: createAuthorizedFetch({
      endpoint,
      origins: options.origins ?? [],
      source,
      isPastItsYouth: () => {
        const { expiresAt = 0, lifetimeSeconds = 0 } = session.held?.tokens ?? {}
        return clock() > expiresAt - lifetimeSeconds * 1000 + unknownRefusalMilliseconds
      },
    }),
    request,
    register: (input) =>
      signIn(async (sending) => {
        const variables = { ...input, transport }
        return unwrap(await sendOnce(RegisterDocument, variables, sending)).register
      }),
    login: (input) =>
      signIn(async (sending) => {
        const variables = { ...input, transport }
        return unwrap(await sendOnce(LoginDocument, variables, sending)).login
      }),
    changePassword: async (input) => {
      // The refresh token is replaced without grace: nobody may renew meanwhile.
      const answer = await attempt(
        source,
        (token) =>
          tabs().exclusive(async () => {
            const sentAt = clock()
            const said = await within(undefined, (signal) =>
              sendOnce(ChangePasswordDocument, input, { accessToken: token, signal }),
            )
            if (said.data) await takeOver(said.data.changePassword, sentAt, 'renewal')
            return said
          }),
        (said) => readRefusal(said, ChangePasswordDocument),
      )
      return unwrap(answer).changePassword.user
    },
    logout,
    reload,
    providerLogin,
    close: () => {
      renewal.abort()
      for (const stop of stopListening) stop()
      coordination?.close()
      coordination = undefined
    },
  }
}

/** Of a service that says no more than 401: a token newer than this was not refused for its age. */
const unknownRefusalMilliseconds = 30_000

function createTabs({ coordination, url }: AuthClientOptions): Coordination {
  if (coordination !== undefined && coordination !== 'none') return coordination
  return coordination === undefined && isBrowser()
    ? createCoordination(`latchkey ${new URL(url, location.href).href}`)
    : createSolitude()
}

/** @returns what stops listening */
function listenToPage(renewal: Renewal, lookAgain: () => void): (() => void)[] {
  if (!isBrowser()) return []
  const listen = (name: string, hear: (event: Event) => void) => {
    addEventListener(name, hear)
    return () => removeEventListener(name, hear)
  }
  return [
    listen('online', () => renewal.retryNow()),
    // Out of the back/forward cache: what was told meanwhile was not heard.
    listen('pageshow', (event) => {
      if ((event as PageTransitionEvent).persisted) lookAgain()
    }),
  ]
}

/** A sign-out that the server does not know of: it outlives the page, as the cookie does. */
function createMark(key: string) {
  let isSet = false
  const storage = () => readStorage('localStorage')
  return {
    isSet: () => isSet || storage()?.getItem(key) != null,
    set: () => {
      isSet = true
      try {
        storage()?.setItem(key, '1')
      } catch {
        // Full: then for this page only.
      }
    },
    clear: () => {
      isSet = false
      storage()?.removeItem(key)
    },
  }
}

/** Of a refusal that ends the session. */
function toReason(reason: TokenErrorReason): SignedOutReason {
  return reason === 'TOKEN_MISSING' ? 'SESSION_ENDED' : reason
}

/** Once more where no answer came: an idle connection that the server has just closed, an answer that got lost. */
async function twice<T>(aborted: AbortSignal, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (aborted.aborted || !(error instanceof NetworkError)) throw error
    return work()
  }
}

/** Gives up after a while, as if the network had. */
async function within<T>(
  aborted: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController()
  const abort = () => controller.abort(aborted?.reason)
  if (aborted?.aborted) abort()
  aborted?.addEventListener('abort', abort)
  let isLate = false
  const timer = setTimeout(() => {
    isLate = true
    controller.abort()
  }, timeoutMilliseconds)
  try {
    return await work(controller.signal)
  } catch (cause) {
    if (isLate) throw new NetworkError('The server did not answer in time.', { cause })
    throw cause
  } finally {
    clearTimeout(timer)
    aborted?.removeEventListener('abort', abort)
  }
}

function failureOf(work: Promise<unknown>): Promise<Error | undefined> {
  return work.then(
    () => undefined,
    (error: Error) => error,
  )
}
