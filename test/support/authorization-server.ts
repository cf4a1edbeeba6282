/** The OAuth2 half that plain providers have in common: codes, PKCE, and tokens that are renewed. */
import { createHash, randomBytes } from 'node:crypto'
import type { Call } from './hosts.ts'

/** Someone with an account at the provider. */
export interface Person {
  /** What the browser's cookie says. */
  readonly id: string
  /** What the provider tells of them, in its own words. */
  readonly profile: Readonly<Record<string, unknown>>
  /** GitHub's list of addresses. */
  readonly emails?: unknown
}

export interface Grant {
  readonly person: Person
  readonly scope: string
  readonly nonce: string | null
  readonly redirectUri: string
  readonly challenge: string
}

export interface TokenAnswer {
  readonly grant: Grant
  readonly access_token: string
  readonly refresh_token?: string
  readonly expires_in?: number
}

/** The provider refuses; the message is OAuth's error code. */
export class Refusal extends Error {}

export interface AuthorizationServerOptions {
  readonly clientId: string
  /** Whether the form of a token request proves to come from the client. */
  readonly isClient: (form: URLSearchParams) => boolean | Promise<boolean>
  /** RFC 9207: sent with the code. */
  readonly iss?: string
  /** Seconds until access tokens end, if the provider says so. */
  readonly expiresIn?: number
  /** `rotated`: each is good for one use, and the second use ends them all. */
  readonly refreshTokens?: 'kept' | 'rotated'
}

export class AuthorizationServer {
  readonly #options: AuthorizationServerOptions
  readonly #people = new Map<string, Person>()
  readonly #codes = new Map<string, Grant>()
  readonly #accessTokens = new Map<string, Person>()
  readonly #refreshTokens = new Map<string, Grant>()
  readonly #spent = new Set<string>()

  constructor(options: AuthorizationServerOptions) {
    this.#options = options
  }

  add(person: Person): void {
    this.#people.set(person.id, person)
  }

  /** Ends every token, as a user does who takes the app off their list. */
  revokeAll(): void {
    this.#accessTokens.clear()
    this.#refreshTokens.clear()
  }

  /** @returns what the browser is sent back with */
  authorize({ headers, url }: Call): URL {
    const parameter = (name: string) => url.searchParams.get(name) ?? ''
    const person = this.#people.get(/person=([^;]+)/.exec(headers.cookie ?? '')?.[1] ?? '')
    const isGood =
      person &&
      parameter('client_id') === this.#options.clientId &&
      parameter('response_type') === 'code' &&
      parameter('code_challenge_method') === 'S256' &&
      parameter('code_challenge').length === 43 &&
      parameter('state') !== ''
    if (!isGood) throw new Refusal('invalid_request')
    const code = randomBytes(12).toString('hex')
    this.#codes.set(code, {
      person,
      scope: parameter('scope'),
      nonce: url.searchParams.get('nonce'),
      redirectUri: parameter('redirect_uri'),
      challenge: parameter('code_challenge'),
    })
    const back = new URL(parameter('redirect_uri'))
    back.searchParams.set('code', code)
    back.searchParams.set('state', parameter('state'))
    if (this.#options.iss !== undefined) back.searchParams.set('iss', this.#options.iss)
    return back
  }

  /** Answers a token request. */
  async exchange({ form }: Call): Promise<TokenAnswer> {
    if (!(await this.#options.isClient(form))) throw new Refusal('invalid_client')
    const grant =
      form.get('grant_type') === 'refresh_token' ? this.#renewed(form) : this.#redeemed(form)
    const accessToken = `access-${randomBytes(16).toString('hex')}`
    this.#accessTokens.set(accessToken, grant.person)
    const { expiresIn, refreshTokens } = this.#options
    const refreshToken =
      refreshTokens === 'kept' && form.has('refresh_token')
        ? undefined
        : `refresh-${randomBytes(16).toString('hex')}`
    if (refreshTokens && refreshToken) this.#refreshTokens.set(refreshToken, grant)
    return {
      grant,
      access_token: accessToken,
      ...(expiresIn !== undefined && { expires_in: expiresIn }),
      ...(refreshTokens && refreshToken && { refresh_token: refreshToken }),
    }
  }

  /** Whose access token the call brings. */
  personOf({ headers }: Call): Person | undefined {
    return this.#accessTokens.get(/^Bearer (.+)$/i.exec(headers.authorization ?? '')?.[1] ?? '')
  }

  #redeemed(form: URLSearchParams): Grant {
    const code = form.get('code') ?? ''
    const grant = this.#codes.get(code)
    this.#codes.delete(code)
    const challenge = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url')
    if (
      !grant ||
      form.get('grant_type') !== 'authorization_code' ||
      form.get('redirect_uri') !== grant.redirectUri ||
      challenge !== grant.challenge
    ) {
      throw new Refusal('invalid_grant')
    }
    return grant
  }

  #renewed(form: URLSearchParams): Grant {
    const token = form.get('refresh_token') ?? ''
    const grant = this.#refreshTokens.get(token)
    if (this.#spent.has(token)) this.revokeAll()
    if (!grant) throw new Refusal('invalid_grant')
    if (this.#options.refreshTokens === 'rotated') {
      this.#refreshTokens.delete(token)
      this.#spent.add(token)
    }
    return grant
  }
}
