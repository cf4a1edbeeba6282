/** Access tokens: JWTs per RFC 9068, signed by the key ring's current key. */
import { randomUUID } from 'node:crypto'
import { SignJWT, decodeProtectedHeader, errors, jwtVerify, type JWTPayload } from 'jose'
import { clockLeewaySeconds } from './clock-leeway.ts'
import type { CurrentKey, KeyRing } from './key-ring.ts'

export interface AccessTokenClaims {
  /** The user's id. */
  readonly sub: string
  /** The session's id. */
  readonly sid: string
  readonly roles: readonly string[]
  /** When the user last proved who they are, seconds since the epoch. */
  readonly auth_time?: number
  /** How, as defined in RFC 8176; absent if no registered value fits. */
  readonly amr?: readonly string[]
}

/** What a token says whose signature and claims are good. */
export interface VerifiedToken {
  readonly sub: string
  readonly sid: string
  /** Seconds since the epoch. */
  readonly exp: number
  /** When its user had last proved who they are; 0 if the token does not say it as it should. */
  readonly authTime: number
  readonly amr: readonly string[] | undefined
  /** Whether it is for this server, and not only for other services. */
  readonly isForUs: boolean
}

export type Verification =
  | ({ readonly status: 'valid' | 'expired' } & VerifiedToken)
  | { readonly status: 'invalid' }

/** A token that is narrower than those of a sign-in. */
export interface Narrowing {
  readonly audiences: readonly string[]
  /** It expires no later than this, in seconds since the epoch. */
  readonly exp: number
}

export interface AccessTokensOptions {
  readonly keyRing: KeyRing
  readonly issuer: string
  /** The OAuth client that every token is issued to: the front ends of the operator (docs/adr/0045). */
  readonly clientId: string
  /** All that a token may be for. The issuer's own is always one of them: it stands for this server. */
  readonly audiences: readonly string[]
  readonly lifetimeSeconds: number
  readonly clock: () => number
}

const type = 'at+jwt'
const algorithms = ['EdDSA', 'ES256', 'RS256']
const requiredClaims = ['iss', 'sub', 'aud', 'exp', 'iat', 'jti', 'sid']
const shape = /^[\w-]+\.[\w-]+\.[\w-]+$/
const cacheEntries = 10_000

export class AccessTokens {
  readonly #options: AccessTokensOptions
  /**
   * Tokens whose signature and claims were found good under the ring of `#cachedGeneration`. A
   * signature does not change its mind; expiry is looked at each time, and the session elsewhere.
   */
  readonly #verified = new Map<string, VerifiedToken>()
  #cachedGeneration = 0

  constructor(options: AccessTokensOptions) {
    this.#options = options
  }

  get lifetimeSeconds(): number {
    return this.#options.lifetimeSeconds
  }

  /**
   * The key to issue with, which may have to be read: to be had before anything is committed that an
   * access token is the response to.
   */
  async signingKey(): Promise<CurrentKey> {
    return this.#options.keyRing.current()
  }

  /** The other services that a token can be issued for. */
  get otherAudiences(): readonly string[] {
    const { audiences, issuer } = this.#options
    return audiences.filter((audience) => audience !== issuer)
  }

  /** @param narrowing absent, the token is for every audience and lives as long as tokens do */
  async issue(
    claims: AccessTokenClaims,
    signingKey: CurrentKey,
    narrowing?: Narrowing,
  ): Promise<string> {
    const { clientId, clock, issuer, lifetimeSeconds } = this.#options
    const audiences = narrowing?.audiences ?? this.#options.audiences
    const { kid, algorithm, privateKey } = signingKey
    const now = Math.floor(clock() / 1000)
    return new SignJWT({ ...claims, client_id: clientId })
      .setProtectedHeader({ alg: algorithm, typ: type, kid })
      .setIssuer(issuer)
      .setAudience(audiences.length === 1 ? audiences[0]! : [...audiences])
      .setIssuedAt(now)
      .setExpirationTime(Math.min(now + lifetimeSeconds, narrowing?.exp ?? Infinity))
      .setJti(randomUUID())
      .sign(privateKey)
  }

  /** RFC 9068 section 4. An expired token is distinguished from an invalid one; both say nothing of the session. */
  async verify(token: string): Promise<Verification> {
    const { clock, keyRing } = this.#options
    const now = Math.floor(clock() / 1000)
    if (this.#cachedGeneration !== keyRing.generation) {
      this.#verified.clear()
      this.#cachedGeneration = keyRing.generation
    }
    let verified = this.#verified.get(token)
    if (!verified) {
      verified = await this.#check(token, now)
      if (!verified) return { status: 'invalid' }
      if (verified.exp > now) this.#remember(token, verified)
    }
    if (verified.exp > now) return { status: 'valid', ...verified }
    this.#verified.delete(token)
    return { status: 'expired', ...verified }
  }

  /** Everything but expiry. */
  async #check(token: string, now: number): Promise<VerifiedToken | undefined> {
    const { audiences, issuer, keyRing } = this.#options
    if (!shape.test(token) || !hasCanonicalSignature(token)) return undefined
    try {
      const { alg, kid } = decodeProtectedHeader(token)
      const key = typeof kid === 'string' ? await keyRing.find(kid) : undefined
      if (key === undefined || key.algorithm !== alg) return undefined
      const { payload } = await jwtVerify(token, key.publicKey, {
        algorithms,
        issuer,
        audience: [...audiences],
        typ: type,
        requiredClaims,
        // Expiry is the caller's to judge: here `exp` only has to be a number.
        currentDate: new Date(0),
        clockTolerance: Number.MAX_SAFE_INTEGER,
      })
      const { client_id: clientId, exp, iat, jti, nbf, sub, sid } = payload
      const isGood =
        Number.isSafeInteger(exp) &&
        Number.isSafeInteger(iat) &&
        iat! <= now + clockLeewaySeconds &&
        (nbf === undefined || nbf <= now + clockLeewaySeconds) &&
        typeof jti === 'string' &&
        // Older versions left it out.
        (clientId === undefined || typeof clientId === 'string') &&
        typeof sub === 'string' &&
        typeof sid === 'string'
      if (!isGood) return undefined
      const isForUs = [payload.aud].flat().includes(issuer)
      return { exp: exp!, sub, sid, isForUs, ...readProof(payload, iat!) }
    } catch (error) {
      if (error instanceof errors.JOSEError || error instanceof TypeError) return undefined
      throw error
    }
  }

  #remember(token: string, verified: VerifiedToken): void {
    if (this.#verified.size >= cacheEntries) {
      // A Map iterates in order of insertion: this is the oldest.
      this.#verified.delete(this.#verified.keys().next().value!)
    }
    this.#verified.set(token, verified)
  }
}

/**
 * Both claims are optional (RFC 9068 section 2.2.1): one that makes no sense proves nothing. Neither does a
 * proof that came after the token.
 */
function readProof({ auth_time: authTime, amr }: JWTPayload, issuedAt: number) {
  const isTime =
    Number.isSafeInteger(authTime) &&
    (authTime as number) > 0 &&
    (authTime as number) <= issuedAt + clockLeewaySeconds
  const isText = (value: unknown) => typeof value === 'string'
  return {
    authTime: isTime ? (authTime as number) : 0,
    amr: Array.isArray(amr) && amr.every(isText) ? amr : undefined,
  }
}

/** jose decodes base64url leniently; header and payload are signed as text, the signature is not. */
function hasCanonicalSignature(token: string): boolean {
  const signature = token.slice(token.lastIndexOf('.') + 1)
  return Buffer.from(signature, 'base64url').toString('base64url') === signature
}
