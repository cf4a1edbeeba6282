/** Sign-in with a provider, in two calls: the flow is kept between them, checked, and used once. */
import { AuthError, NetworkError, parseJson } from './errors.ts'
import type { PersonFragment } from './generated/operations.ts'

/** Where flows wait while the user is at the provider. It must be the app's own; `sessionStorage` is. */
export type FlowStorage = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>

export type FlowPurpose = 'login' | 'link' | 'reauthenticate'

export interface BeginOptions {
  /** Where the user comes back to, one of the server's `REDIRECT_URIS`; default: this page without its query. */
  readonly redirectUri?: string
  /**
   * `link` links the provider to the signed-in user; `reauthenticate` proves the user's identity again with a
   * linked provider. Default: `login`.
   */
  readonly purpose?: FlowPurpose
  /** Comes back from `complete`: where in the app to continue. */
  readonly returnTo?: string
}

export interface CompletedFlow {
  readonly purpose: FlowPurpose
  readonly provider: string
  readonly returnTo: string | undefined
  readonly user: PersonFragment
}

export interface ProviderLogin {
  /**
   * Starts a flow. Send the user to the address: `location.assign(authorizationUrl)`.
   * @throws AuthError UNKNOWN_PROVIDER, BAD_USER_INPUT if the redirect URI is not on the server's list; NetworkError
   */
  begin(provider: string, options?: BeginOptions): Promise<{ readonly authorizationUrl: string }>
  /**
   * Ends the flow with what the provider has put into the page's address, and takes it out of there.
   * @param location such as `window.location`
   * @returns undefined if the address carries no response
   * @throws AuthError INVALID_FLOW, PROVIDER_ERROR, LINK_REQUIRED …; NetworkError, after which it can
   * be called again with the same address
   */
  complete(location: { readonly href: string } | string): Promise<CompletedFlow | undefined>
}

export interface ProviderAnswer {
  readonly provider: string
  readonly code: string
  readonly state: string
  readonly flowToken: string
  readonly iss: string | null
}

export interface ProviderLoginOptions {
  readonly flows: FlowStorage
  readonly clock: () => number
  readonly begin: (
    provider: string,
    redirectUri: string,
    purpose: FlowPurpose,
  ) => Promise<{
    readonly authorizationUrl: string
    readonly flowToken: string
    readonly expiresAt: string
  }>
  /** Signs in, links, or proves. */
  readonly finish: (purpose: FlowPurpose, answer: ProviderAnswer) => Promise<PersonFragment>
}

interface Flow {
  readonly provider: string
  readonly purpose: FlowPurpose
  readonly flowToken: string
  readonly returnTo?: string | undefined
  /** In milliseconds of the client's clock. */
  readonly forgetAt: number
}

/** The server's flows are good for ten minutes. */
const flowMilliseconds = 10 * 60 * 1000

/** What a provider may put into the redirect URI; anything else is not repeated. */
const errorShape = /^[a-z_]{1,64}$/

export function createProviderLogin(options: ProviderLoginOptions): ProviderLogin {
  const { begin, clock, finish } = options
  const flows = createFlowBook(options.flows, clock)
  // React calls effects twice while developing; the second call gets what the first does.
  const underWay = new Map<string, Promise<CompletedFlow>>()

  async function end(state: string, parameters: URLSearchParams): Promise<CompletedFlow> {
    const flow = flows.take(state)
    if (!flow) {
      throw new AuthError({
        code: 'INVALID_FLOW',
        message:
          'This sign-in was started elsewhere, was used before, or has expired. Start again.',
      })
    }
    const { flowToken, provider, purpose, returnTo } = flow
    const code = parameters.get('code')
    if (code === null) throw refusedByProvider(provider, parameters.get('error'))
    const answer = { provider, code, state, flowToken, iss: parameters.get('iss') }
    try {
      return { purpose, provider, returnTo, user: await finish(purpose, answer) }
    } catch (error) {
      // The server may not have heard of it: it decides, if it is asked again.
      if (error instanceof NetworkError) flows.put(state, flow)
      throw error
    }
  }

  return {
    begin: async (provider, { purpose = 'login', redirectUri = currentPage(), returnTo } = {}) => {
      const { authorizationUrl, flowToken } = await begin(provider, redirectUri, purpose)
      const state = new URL(authorizationUrl).searchParams.get('state')
      if (state === null) throw new NetworkError('The authorization URL has no state.')
      flows.put(state, {
        provider,
        purpose,
        flowToken,
        returnTo,
        forgetAt: clock() + flowMilliseconds,
      })
      return { authorizationUrl }
    },
    complete: async (location) => {
      const { href } = typeof location === 'string' ? { href: location } : location
      const { searchParams } = new URL(href)
      const state = searchParams.get('state')
      if (state === null || !(searchParams.has('code') || searchParams.has('error'))) {
        return undefined
      }
      let work = underWay.get(state)
      if (!work) {
        work = end(state, searchParams)
        underWay.set(state, work)
      }
      try {
        const completed = await work
        cleanAddress(href)
        return completed
      } catch (error) {
        if (error instanceof NetworkError) underWay.delete(state)
        else cleanAddress(href)
        throw error
      }
    },
  }
}

function refusedByProvider(provider: string, error: string | null): AuthError {
  const providerError = errorShape.test(error ?? '') ? error! : undefined
  return new AuthError({
    code: 'PROVIDER_ERROR',
    provider,
    ...(providerError !== undefined && { providerError }),
    message:
      providerError === 'access_denied'
        ? 'The sign-in was cancelled.'
        : 'The provider did not let you sign in. Try again.',
  })
}

/** One entry for all flows, so that those which no one comes back to can be found and forgotten. */
function createFlowBook(storage: FlowStorage, clock: () => number) {
  const key = 'latchkey flows'
  const read = () => {
    const all = Object.entries(
      (parseJson(storage.getItem(key) ?? '') ?? {}) as Record<string, Flow>,
    )
    return new Map(all.filter(([, { forgetAt }]) => forgetAt > clock()))
  }
  const write = (flows: Map<string, Flow>) =>
    flows.size === 0
      ? storage.removeItem(key)
      : storage.setItem(key, JSON.stringify(Object.fromEntries(flows)))
  return {
    put: (state: string, flow: Flow) => write(read().set(state, flow)),
    /** Gives a flow once. */
    take: (state: string): Flow | undefined => {
      const flows = read()
      const flow = flows.get(state)
      flows.delete(state)
      write(flows)
      return flow
    },
  }
}

/** As long as the program runs. */
export function memoryFlowStorage(): FlowStorage {
  const kept = new Map<string, string>()
  return {
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => void kept.set(key, value),
    removeItem: (key) => void kept.delete(key),
  }
}

function currentPage(): string {
  const { location } = globalThis as Partial<typeof globalThis>
  if (!location) throw new TypeError('Outside a browser, begin() needs a redirectUri.')
  return location.origin + location.pathname
}

/** A code in the address would stay in the history, and in what a user copies out of it. */
function cleanAddress(href: string): void {
  const { history, location } = globalThis as Partial<typeof globalThis>
  if (!history || location?.href !== href) return
  const url = new URL(href)
  for (const name of ['code', 'state', 'iss', 'scope', 'error', 'error_description', 'error_uri']) {
    url.searchParams.delete(name)
  }
  history.replaceState(history.state, '', url)
}
