/** Who is asking: read from the bearer token once per request, with what is wrong with it kept as a reason. */
import type { Database } from '../../database/database.ts'
import type { PreparedRead } from '../../database/driver.ts'
import { TokenErrorReason } from '../errors.ts'
import { authenticatedAtSql } from './session-row.ts'
import type { AccessTokens, VerifiedToken } from '../tokens/access-token.ts'
import { fromUserRow, userColumns, type UserRow } from '../users/user-row.ts'
import type { UserProfile } from '../users/user-profile.ts'

export interface Anonymous {
  readonly isAuthenticated: false
  readonly reason: TokenErrorReason
  /** The session of a token that is good but for its expiry: enough to end it, and nothing else. */
  readonly expired?: { readonly userId: string; readonly sessionId: string }
}

export interface Authenticated {
  readonly isAuthenticated: true
  readonly user: UserProfile
  readonly sessionId: string
  readonly token: VerifiedToken
  /**
   * When this token's holder last proved who they are, in milliseconds since the epoch. The older of what
   * the token and the session say: a copy of an older token gains nothing by a proof that came after it.
   */
  readonly authenticatedAt: number
  /** When the session ends, however often it is refreshed. */
  readonly sessionEndsAt: number
}

export type Viewer = Anonymous | Authenticated

/** RFC 6750 section 2.1; the scheme is case-insensitive (RFC 9110 section 11.1). */
const bearer = /^bearer +(\S+) *$/i

interface ViewerRow extends UserRow {
  expires_at: number | string
  ends_at: number | string
  authenticated_at: number | string
}

// Session and user in one read by primary key; the row is the viewer. It is on the path of every
// request, hence neither an entity nor a query that is built again (docs/adr/0006).
const viewerQuery = `select sessions.expires_at, sessions.ends_at, ${authenticatedAtSql} as authenticated_at,
    ${userColumns}
  from sessions join users on users.id = sessions.user_id
  where sessions.id = ?`

export class Viewers {
  readonly #accessTokens: AccessTokens
  readonly #clock: () => number
  readonly #read: PreparedRead<ViewerRow>

  constructor(options: { accessTokens: AccessTokens; database: Database; clock: () => number }) {
    this.#accessTokens = options.accessTokens
    this.#clock = options.clock
    this.#read = options.database.prepareRead<ViewerRow>(viewerQuery)
  }

  /** @param authorization the header, if there was one */
  async identify(authorization: string | undefined): Promise<Viewer> {
    if (authorization === undefined) return anonymous(TokenErrorReason.TOKEN_MISSING)
    const token = bearer.exec(authorization)?.[1]
    if (token === undefined) return anonymous(TokenErrorReason.TOKEN_INVALID)
    const verified = await this.#accessTokens.verify(token)
    if (verified.status === 'invalid') return anonymous(TokenErrorReason.TOKEN_INVALID)
    const { sid: sessionId, sub: userId, authTime } = verified
    // Whatever else is true of it: it cannot be refreshed, and names no session that could be ended.
    if (!verified.isForUs) return anonymous(TokenErrorReason.WRONG_AUDIENCE)
    if (verified.status === 'expired') {
      return { ...anonymous(TokenErrorReason.TOKEN_EXPIRED), expired: { userId, sessionId } }
    }
    const row = await this.#read(sessionId)
    if (!row || row.user_id !== userId || Number(row.expires_at) <= this.#clock()) {
      return anonymous(TokenErrorReason.SESSION_ENDED)
    }
    if (row.disabled_at !== null) return anonymous(TokenErrorReason.ACCOUNT_DISABLED)
    return {
      isAuthenticated: true,
      sessionId,
      user: fromUserRow(row),
      token: verified,
      authenticatedAt: Math.min(authTime * 1000, Number(row.authenticated_at)),
      sessionEndsAt: Number(row.ends_at),
    }
  }
}

function anonymous(reason: TokenErrorReason): Anonymous {
  return { isAuthenticated: false, reason }
}
