/** One provider, spoken to through openid-client: the only place that knows the protocol's library. */
import * as openid from 'openid-client'
import { appleClientSecret } from './definitions/apple-client-secret.ts'
import {
  boundedFetch,
  exchangeTimeoutMilliseconds,
  isLoopbackHost,
  type Fetch,
} from './outbound-fetch.ts'
import { ClientAuthentication, waysOf, type Way } from './client-authentication.ts'
import { ProfileReader } from './profile-reader.ts'
import { toProviderFailure, type ProviderFailure } from './provider-failure.ts'
import type { ProviderDefinition, ProviderProfile } from './definitions/provider-definition.ts'
import type { ProviderSettings } from '../../config/providers.ts'
import { clockLeewayMilliseconds } from '../../core/tokens/clock-leeway.ts'

/** What the server keeps of a flow between its two halves. */
export interface FlowSecrets {
  readonly state: string
  readonly nonce: string
  readonly codeVerifier: string
}

export interface ProviderTokens {
  readonly accessToken: string
  readonly refreshToken: string | null
  /** Milliseconds since the epoch; null if the provider did not say. */
  readonly expiresAt: number | null
  readonly scopes: readonly string[]
}

export interface Exchange {
  readonly profile: ProviderProfile
  readonly tokens: ProviderTokens
  /** What the provider refused although the sign-in can do without it, for the log. */
  readonly shortfalls: readonly ProviderFailure[]
  /** Why it is not known whether the user has an e-mail address; undefined if it is known. */
  readonly emailFailure: ProviderFailure | undefined
}

/** What the provider is asked about: the redirect URI that it knows, and its response. */
export interface AuthorizationResponse {
  readonly redirectUri: string
  readonly code: string
  readonly state: string
  readonly iss: string | undefined
}

interface Configuration {
  readonly config: openid.Configuration
  /** Sends a request to the token endpoint, again with other client authentication if that is refused. */
  readonly request: <T>(send: () => Promise<T>) => Promise<T>
}

/** Metadata are read again after this time: endpoints move, rarely. */
const metadataLifetimeMilliseconds = 60 * 60 * 1000
/**
 * openid-client waits a minute before it fetches keys again for one that it does not know. A code can
 * be exchanged only once, so a user would pay for a rotation; keys count as a minute old from the
 * start, and an unknown one makes each exchange look once more.
 */
const keyAgeSeconds = 60

/** Ten years: further ahead no response means anything. */
const longestLifetimeSeconds = 10 * 365 * 24 * 3600

export class ProviderClient {
  readonly id: string
  readonly definition: ProviderDefinition
  readonly settings: ProviderSettings
  readonly #fetch: Fetch
  readonly #clock: () => number
  readonly #timeoutMilliseconds: number
  #discovered: { readonly document: string; readonly readAt: number } | undefined
  #keys: ReturnType<typeof openid.getJwksCache>
  readonly #authentication = new ClientAuthentication()
  readonly #formerIssuer: string | undefined

  constructor(options: {
    settings: ProviderSettings
    definition: ProviderDefinition
    /** Of the issuer that had the same subjects before. */
    formerFacts?: ProviderDefinition | undefined
    fetch: Fetch
    clock: () => number
    timeoutMilliseconds?: number | undefined
  }) {
    this.id = options.settings.id
    this.settings = options.settings
    this.definition = options.definition
    this.#formerIssuer = options.formerFacts && issuerOf(options.formerFacts)
    this.#fetch = options.fetch
    this.#clock = options.clock
    this.#timeoutMilliseconds = options.timeoutMilliseconds ?? exchangeTimeoutMilliseconds
  }

  /** Who issues the subjects: another issuer's are other users, whatever the provider is called here. */
  get issuer(): string {
    return issuerOf(this.definition)
  }

  /** Whether an identity is of this provider's issuer, or of the one that the operator says it was before. */
  isIssuerOf(identity: { readonly issuer?: string | null | undefined }): boolean {
    const known = [this.issuer, this.#formerIssuer, undefined, null]
    return known.includes(identity.issuer)
  }

  get name(): string {
    return this.settings.label ?? this.definition.name
  }

  /**
   * Send the user to this URL.
   * @throws ProviderFailure
   */
  async authorizationUrl(
    redirectUri: string,
    flow: FlowSecrets,
    isReauthentication: boolean,
  ): Promise<string> {
    return wrapFailures(async () => {
      const { config } = await this.#configuration()
      // A proof is not kept, so it asks for nothing that would be renewed.
      const offline = isReauthentication ? {} : this.#offline(config.serverMetadata())
      const url = openid.buildAuthorizationUrl(config, {
        ...this.definition.authorizationParameters,
        ...offline.parameters,
        ...(isReauthentication && this.#reauthenticationParameters()),
        redirect_uri: redirectUri,
        scope: [...new Set([...this.#scopes(), ...(offline.scopes ?? [])])].join(' '),
        state: flow.state,
        code_challenge: await openid.calculatePKCECodeChallenge(flow.codeVerifier),
        code_challenge_method: 'S256',
        ...(this.#isOpenid() && { nonce: flow.nonce }),
      })
      return url.href
    })
  }

  /**
   * Exchanges the code and reads the user's profile.
   * @param provenSince for a flow that asked to authenticate the user again: what the provider says of an
   * earlier time, in milliseconds since the epoch, does not count
   * @throws ProviderFailure
   */
  async exchange(
    authorization: AuthorizationResponse,
    flow: FlowSecrets,
    provenSince?: number,
  ): Promise<Exchange> {
    return wrapFailures(async () => {
      const { config, request } = await this.#configuration()
      const currentUrl = new URL(authorization.redirectUri)
      currentUrl.searchParams.set('code', authorization.code)
      currentUrl.searchParams.set('state', authorization.state)
      if (authorization.iss !== undefined) currentUrl.searchParams.set('iss', authorization.iss)
      const response = await request(() =>
        openid.authorizationCodeGrant(config, currentUrl, {
          expectedState: flow.state,
          pkceCodeVerifier: flow.codeVerifier,
          ...(this.#isOpenid() && { expectedNonce: flow.nonce, idTokenExpected: true }),
        }),
      )
      this.#rememberKeys(config)
      const shortfalls: ProviderFailure[] = []
      let unanswered: ProviderFailure | undefined
      const sources = new ProfileReader(config, response, (failure, isFinal) => {
        shortfalls.push(failure)
        if (!isFinal) unanswered = failure
      })
      const claims = this.#isOpenid()
        ? await sources.claims(this.definition.usesUserinfo === true)
        : {}
      if (provenSince !== undefined) this.#checkAuthTime(response.claims()?.auth_time, provenSince)
      const { get, optional, pages } = sources
      const profile = await this.definition.profile({ claims, get, optional, pages })
      const emailFailure = profile.email === null ? unanswered : undefined
      return { profile, tokens: this.#tokens(response, null), shortfalls, emailFailure }
    }).catch((error: unknown) => {
      // It may be that an endpoint has moved, or a key has changed without changing its name.
      this.#discovered = undefined
      this.#keys = undefined
      throw error
    })
  }

  /**
   * Renews the provider's own access token.
   * @throws ProviderFailure
   */
  async refresh(refreshToken: string): Promise<ProviderTokens> {
    return wrapFailures(async () => {
      const { config, request } = await this.#configuration()
      const response = await request(() => openid.refreshTokenGrant(config, refreshToken))
      return this.#tokens(response, refreshToken)
    })
  }

  /** A provider with a JWKS signs ID tokens, so it is an OpenID provider. */
  #isOpenid(): boolean {
    const { server } = this.definition
    return 'issuer' in server || server.metadata.jwks_uri !== undefined
  }

  /** OpenID Connect Core section 3.1.2.1. */
  #reauthenticationParameters(): Readonly<Record<string, string>> {
    const fallback: Record<string, string> = this.#isOpenid()
      ? { prompt: 'login', max_age: '0' }
      : {}
    return this.definition.reauthenticationParameters ?? fallback
  }

  /**
   * A provider that ignores `max_age` may leave `auth_time` out, and then its word on who came back has to
   * do. One that says when it authenticated the user must have done so for this flow.
   */
  #checkAuthTime(authTime: unknown, provenSince: number): void {
    if (authTime === undefined) return
    const at = typeof authTime === 'number' ? authTime * 1000 : Number.NaN
    const isRecent =
      at >= provenSince - clockLeewayMilliseconds && at <= this.#clock() + clockLeewayMilliseconds
    if (!isRecent) throw new TypeError('The provider did not authenticate the user again')
  }

  /** OpenID Connect Core section 11: a refresh token needs its own scope, and a consent for it. */
  #offline({
    scopes_supported: scopes,
  }: openid.ServerMetadata): NonNullable<ProviderDefinition['offline']> {
    if (!this.settings.keepsTokens) return {}
    if (this.definition.offline) return this.definition.offline
    return scopes?.includes('offline_access')
      ? { scopes: ['offline_access'], parameters: { prompt: 'consent' } }
      : {}
  }

  #scopes(): string[] {
    const wider = this.settings.scopes?.split(/[\s,]+/).filter((scope) => scope !== '') ?? []
    return [...new Set([...this.definition.scopes, ...wider])]
  }

  #tokens(
    response: openid.TokenEndpointResponse,
    formerRefreshToken: string | null,
  ): ProviderTokens {
    const { access_token: accessToken, expires_in: expiresIn, refresh_token, scope } = response
    return {
      accessToken,
      refreshToken: refresh_token ?? formerRefreshToken,
      expiresAt: expiresIn === undefined ? null : this.#clock() + lifetimeMilliseconds(expiresIn),
      // RFC 6749 section 5.1: omitted if it is what was requested. GitHub separates by commas.
      scopes:
        scope === undefined ? this.#scopes() : scope.split(/[\s,]+/).filter((name) => name !== ''),
    }
  }

  /** A configuration of its own for each exchange, with one time limit for all of its calls. */
  async #configuration(): Promise<Configuration> {
    const { server } = this.definition
    const fetch = boundedFetch(
      this.#fetch,
      this.#isOnLoopback(),
      AbortSignal.timeout(this.#timeoutMilliseconds),
    )
    const { authenticate, request } = this.#authentication.begin()
    const config =
      'metadata' in server
        ? this.#configure(server.metadata, authenticate, fetch)
        : await this.#discover(server.issuer, authenticate, fetch)
    if (this.#isOpenid()) {
      openid.enableNonRepudiationChecks(config)
      if (this.#keys) openid.setJwksCache(config, this.#keys)
    }
    const ways = this.#waysToAuthenticate(config.serverMetadata())
    return { config, request: (send) => request(ways, send) }
  }

  #configure(
    metadata: openid.ServerMetadata,
    authenticate: openid.ClientAuth,
    fetch: openid.CustomFetch,
  ): openid.Configuration {
    const { clientId } = this.settings
    const config = new openid.Configuration(metadata, clientId, undefined, authenticate)
    config[openid.customFetch] = fetch
    if (this.#isOnLoopback()) allowPlainHttp(config)
    return config
  }

  /**
   * Discovery each time, out of the document read last: the library's own marks on a configuration,
   * such as Microsoft's issuer per tenant, cannot be carried over to another one.
   */
  async #discover(
    issuer: URL,
    authenticate: openid.ClientAuth,
    fetch: openid.CustomFetch,
  ): Promise<openid.Configuration> {
    const now = this.#clock()
    const known =
      this.#discovered && now - this.#discovered.readAt < metadataLifetimeMilliseconds
        ? this.#discovered.document
        : undefined
    let read: string | undefined
    const config = await openid.discovery(issuer, this.settings.clientId, undefined, authenticate, {
      [openid.customFetch]: async (url, options) => {
        const headers = { 'content-type': 'application/json' }
        if (known !== undefined) return new Response(known, { headers })
        const response = await fetch(url, options)
        read = await response.clone().text()
        return response
      },
      ...(this.#isOnLoopback() && { execute: [allowPlainHttp] }),
    })
    // The keys may lie next to the document, under /.well-known/ too.
    config[openid.customFetch] = fetch
    // Remembered once the library has found it good.
    if (read !== undefined) this.#discovered = { document: read, readAt: now }
    return config
  }

  #waysToAuthenticate(metadata: openid.ServerMetadata): Way[] {
    const { clientId, clientSecret, signingKey, tokenAuthMethod } = this.settings
    const { clientAuthentication } = this.definition
    if (clientAuthentication === 'apple') {
      const secret = appleClientSecret(clientId, signingKey!, this.#clock())
      return [{ name: 'apple', authenticate: openid.ClientSecretPost(secret) }]
    }
    const method = clientAuthentication === 'auto' ? undefined : clientAuthentication
    return waysOf(
      { clientId, clientSecret },
      tokenAuthMethod ?? method,
      metadata.token_endpoint_auth_methods_supported,
    )
  }

  #rememberKeys(config: openid.Configuration): void {
    const keys = openid.getJwksCache(config)
    if (keys && keys.uat !== this.#keys?.uat)
      this.#keys = { ...keys, uat: keys.uat - keyAgeSeconds }
  }

  #isOnLoopback(): boolean {
    const { server } = this.definition
    const url = 'issuer' in server ? server.issuer : new URL(server.metadata.issuer)
    return isLoopbackHost(url.hostname)
  }
}

function issuerOf({ server, subjectIssuer }: ProviderDefinition): string {
  const issuer = 'issuer' in server ? server.issuer.href : server.metadata.issuer
  return subjectIssuer ?? issuer.replace(/\/$/, '')
}

/** On loopback there is no network to protect against; config.ts refuses http elsewhere. */
// oxlint-disable-next-line typescript/no-deprecated -- marked so to make it stand out, not to go
const allowPlainHttp: (config: openid.Configuration) => void = openid.allowInsecureRequests

/** Whatever goes wrong with a provider is one failure, with the cause for the log. */
async function wrapFailures<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw toProviderFailure(error)
  }
}

/** Whole and storable, whatever a provider calls seconds. */
function lifetimeMilliseconds(seconds: number): number {
  return Math.round(Math.min(Math.max(seconds, 0), longestLifetimeSeconds) * 1000)
}
