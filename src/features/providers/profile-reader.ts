/** Reads what a provider says of a user: claims of the ID token, userinfo, and its own API. */
import * as openid from 'openid-client'
import { nameIn, text, type ProfileSources } from './definitions/provider-definition.ts'
import { isPassing, toProviderFailure, type ProviderFailure } from './provider-failure.ts'
import { presentMembers } from './provider-json.ts'

type Tokens = Awaited<ReturnType<typeof openid.authorizationCodeGrant>>
type Claims = Readonly<Record<string, unknown>>

/** With a hundred entries each: more addresses than anyone has. */
const maximumPages = 10
/** openid-client's code for userinfo that is not of the subject whom the ID token names. */
const otherSubject = 'OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED'

export class ProfileReader implements Omit<ProfileSources, 'claims'> {
  readonly #config: openid.Configuration
  readonly #tokens: Tokens
  readonly #onShortfall: (failure: ProviderFailure, isFinal: boolean) => void

  /** @param onShortfall is called with what failed, if the sign-in can do without it; see `optional` */
  constructor(
    config: openid.Configuration,
    tokens: Tokens,
    onShortfall: (failure: ProviderFailure, isFinal: boolean) => void,
  ) {
    this.#config = config
    this.#tokens = tokens
    this.#onShortfall = onShortfall
  }

  readonly get: ProfileSources['get'] = async (url, headers) =>
    (await this.#fetch(url, headers)).json()

  readonly pages: ProfileSources['pages'] = (url, headers) => this.#readPages(url, headers)

  readonly optional: ProfileSources['optional'] = async (work, isFinal) => {
    try {
      return await work()
    } catch (error) {
      this.#onShortfall(toProviderFailure(error), isFinal(error))
      return undefined
    }
  }

  /**
   * Claims of the ID token, which is signed, before what userinfo adds to them.
   * @param usesUserinfo whether to ask userinfo for what the ID token leaves out
   */
  async claims(usesUserinfo: boolean): Promise<Claims> {
    const validated = this.#tokens.claims()
    if (!validated) throw new TypeError('There is no ID token')
    const claims = { ...presentMembers(validated), sub: validated.sub } as Claims & { sub: string }
    // OpenID Connect Core section 3.1.3.7, step 5; the library looks only if there are several
    // audiences.
    const azp = claims['azp'] ?? this.#config.clientMetadata().client_id
    if (azp !== this.#config.clientMetadata().client_id) {
      throw new TypeError('The ID token was issued to another client')
    }
    const isAsked =
      usesUserinfo && this.#config.serverMetadata().userinfo_endpoint && !isWhole(claims)
    if (!isAsked) return claims
    const userinfo = presentMembers((await this.#userinfo(claims.sub)) ?? {})
    // What is said of one address says nothing of another one.
    const isMoreSaid =
      claims['email_verified'] === undefined && claims['email'] === userinfo['email']
    const { email, email_verified } =
      claims['email'] === undefined || isMoreSaid ? userinfo : claims
    return { ...userinfo, ...claims, email, email_verified }
  }

  async #userinfo(subject: string): Promise<Claims | undefined> {
    let confusion: Error | undefined
    const userinfo = await this.optional(
      async () => {
        try {
          return await openid.fetchUserInfo(this.#config, this.#tokens.access_token, subject)
        } catch (error) {
          if (error instanceof Error && isAbout(error, otherSubject)) confusion = error
          throw error
        }
        // ADFS refuses its own access token with 401: what it does not say here, it never says.
      },
      (error) => !isPassing(error),
    )
    // Whose tokens these are is in doubt.
    if (confusion) throw confusion
    return userinfo
  }

  async *#readPages(first: string, headers?: Record<string, string>): AsyncGenerator<unknown[]> {
    let next: string | undefined = first
    for (let page = 0; next !== undefined && page < maximumPages; page++) {
      const response = await this.#fetch(next, headers)
      const entries: unknown = await response.json()
      if (!Array.isArray(entries)) throw new TypeError('A page of the list is not a list')
      yield entries
      next = nextPage(response.headers.get('link') ?? '', next)
    }
  }

  async #fetch(url: string, headers: Record<string, string> = {}): Promise<Response> {
    const response = await openid.fetchProtectedResource(
      this.#config,
      this.#tokens.access_token,
      new URL(url),
      'GET',
      null,
      // GitHub refuses a request without a User-Agent.
      new Headers({ accept: 'application/json', 'user-agent': 'latchkey', ...headers }),
    )
    if (!response.ok) {
      throw new TypeError(`The profile was answered with ${response.status}`, { cause: response })
    }
    return response
  }
}

/** Whether the ID token has all that a profile is made of. */
function isWhole(claims: Claims): boolean {
  const { email, email_verified: isVerified } = claims
  return text(email) !== null && isVerified !== undefined && nameIn(claims) !== null
}

/** @returns undefined after the last page, and if the next one is at another origin, which gets no token */
function nextPage(link: string, current: string): string | undefined {
  const target = /<([^>]*)>\s*;[^,]*\brel="?next"?/i.exec(link)?.[1]
  if (target === undefined || !URL.canParse(target, current)) return undefined
  const url = new URL(target, current)
  return url.origin === new URL(current).origin ? url.href : undefined
}

function isAbout(error: unknown, code: string): boolean {
  if (!(error instanceof Error)) return false
  return (error as { code?: unknown }).code === code || isAbout(error.cause, code)
}
