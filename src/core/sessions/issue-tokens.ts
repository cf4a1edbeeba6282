/** Issues the tokens of a session, and sends the refresh token by the transport that the client uses. */
import type { AccessTokens } from '../tokens/access-token.ts'
import type { CurrentKey } from '../tokens/key-ring.ts'
import { encodeRefreshToken } from '../tokens/refresh-token.ts'
import type { DerivedKeys } from '../tokens/derived-keys.ts'
import type { UserProfile } from '../users/user-profile.ts'
import type { AuthPayload } from './auth-payload.ts'
import { tokenInCookie, type RefreshCookie } from './refresh-cookie.ts'
import type { SessionRecord } from './session-row.ts'
import { TokenTransport } from './token-transport.ts'

export interface TokenIssuerOptions {
  readonly accessTokens: AccessTokens
  readonly clock: () => number
  readonly cookie: RefreshCookie
  readonly derivedKeys: DerivedKeys
}

/** A session whose tokens are to be issued. */
export interface Issue {
  readonly session: Pick<
    SessionRecord,
    'id' | 'generation' | 'expiresAt' | 'authenticatedAt' | 'amr'
  >
  readonly user: UserProfile
  readonly key: CurrentKey
  readonly transport: TokenTransport
}

export class TokenIssuer {
  readonly #options: TokenIssuerOptions
  #issuedSessionId: string | undefined

  constructor(options: TokenIssuerOptions) {
    this.#options = options
  }

  /** The session of which this request has issued tokens; of several, the last one. */
  get issuedSessionId(): string | undefined {
    return this.#issuedSessionId
  }

  /** Call it outside of a transaction: it may have to read the database. */
  signingKey(): Promise<CurrentKey> {
    return this.#options.accessTokens.signingKey()
  }

  /** How the session's refresh token travels, as far as this request shows it. */
  transportOf(sessionId: string): TokenTransport {
    const { cookie, derivedKeys } = this.#options
    const isInCookie = tokenInCookie(cookie, derivedKeys)?.sessionId === sessionId
    return isInCookie ? TokenTransport.COOKIE : TokenTransport.BODY
  }

  async issue({ key, session, transport, user }: Issue): Promise<AuthPayload> {
    const { accessTokens, clock, cookie, derivedKeys } = this.#options
    const refreshToken = encodeRefreshToken(
      { sessionId: session.id, generation: session.generation },
      derivedKeys,
    )
    const refreshExpiresIn = Math.max(0, Math.round((session.expiresAt - clock()) / 1000))
    const claims = {
      sub: user.id,
      sid: session.id,
      roles: user.roles,
      auth_time: Math.floor(session.authenticatedAt / 1000),
      ...(session.amr.length > 0 && { amr: session.amr }),
    }
    const accessToken = await accessTokens.issue(claims, key)
    this.#issuedSessionId = session.id
    if (transport === TokenTransport.COOKIE) cookie.write(refreshToken, refreshExpiresIn)
    return {
      accessToken,
      tokenType: 'Bearer',
      expiresIn: accessTokens.lifetimeSeconds,
      refreshToken: transport === TokenTransport.COOKIE ? null : refreshToken,
      refreshExpiresIn,
      user,
    }
  }
}
