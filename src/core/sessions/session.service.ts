/** Every sign-in ends here, and so does every refresh, renewal and end of a session. */
import type { SqlEntityManager } from '@mikro-orm/sqlite'
import type { RecordEvent } from '../audit/audit-trail.ts'
import { EventActor, EventKind } from '../audit/event.ts'
import type { PreparedRead } from '../../database/driver.ts'
import { AppError, TokenErrorReason } from '../errors.ts'
import type { AccessTokens } from '../tokens/access-token.ts'
import type { CurrentKey } from '../tokens/key-ring.ts'
import { decodeRefreshToken } from '../tokens/refresh-token.ts'
import { fromUserRow, type UserRow } from '../users/user-row.ts'
import { createSession, type Admission } from './admission.ts'
import type { AuthPayload } from './auth-payload.ts'
import type { AuthenticationMethod, Proof, SessionReference } from './authentication.ts'
import { invalidRefreshToken } from './errors.ts'
import { TokenIssuer } from './issue-tokens.ts'
import { discardCookie, tokenInCookie, type RefreshCookie } from './refresh-cookie.ts'
import { renewSession, type Renewal, type RenewedSession } from './renewal.ts'
import { revokeAll, revokeByIds, revokeOne, revokeOthers } from './revocation.ts'
import { rotate, type RotationOptions } from './rotation.ts'
import { listSessions, type ListedSession } from './session-list.ts'
import { Session } from './session.entity.ts'
import { TokenTransport } from './token-transport.ts'

export interface SessionServiceOptions extends RotationOptions {
  /** One account, as it is committed. */
  readonly readUser: PreparedRead<UserRow>
  readonly accessTokens: AccessTokens
  readonly cookie: RefreshCookie
}

export class SessionService {
  readonly #options: SessionServiceOptions
  readonly #tokens: TokenIssuer

  constructor(options: SessionServiceOptions) {
    this.#options = options
    this.#tokens = new TokenIssuer(options)
  }

  /** The session of which this request has issued tokens; of several, the last one. */
  get issuedSessionId(): string | undefined {
    return this.#tokens.issuedSessionId
  }

  /**
   * Signs in a user who has just proved who they are.
   * @param proof or a function that returns it and may create the account: it is called only if an access
   * token can be signed, so that no account is created whose first sign-in has to fail
   */
  async admit(
    proof: Proof | (() => Promise<Proof>),
    transport: TokenTransport,
  ): Promise<Admission> {
    const { cookie, readUser, derivedKeys } = this.#options
    let key = await this.#tokens.signingKey()
    let proven = proof
    if (typeof proven === 'function') {
      proven = await proven()
      // A password takes seconds to hash if there is a queue: the keys may have been replaced meanwhile.
      key = await this.#tokens.signingKey()
    }
    const replaced =
      transport === TokenTransport.COOKIE ? tokenInCookie(cookie, derivedKeys) : undefined
    const session = await createSession(proven, replaced, this.#options)
    if (typeof session === 'string') return { status: session }
    // Not by the ORM, whose copy may be from before a hash was computed; and in a fifth of its time.
    const user = await readUser(session.userId)
    if (!user) return { status: 'changed' }
    const issue = { session, user: fromUserRow(user), key, transport }
    return { status: 'admitted', payload: await this.#tokens.issue(issue) }
  }

  /**
   * Exchanges a refresh token for its successor. A token that was replaced a moment ago gets the same
   * successor again (two tabs, a lost response); an older one ends the session.
   * @param argument takes precedence over the cookie
   * @throws AppError INVALID_REFRESH_TOKEN, REFRESH_TOKEN_REUSED
   */
  async refresh(argument: string | undefined): Promise<AuthPayload> {
    const { cookie, readUser, derivedKeys } = this.#options
    const transport = argument === undefined ? TokenTransport.COOKIE : TokenTransport.BODY
    const token = argument ?? cookie.read()
    try {
      if (token === undefined) throw invalidRefreshToken(TokenErrorReason.TOKEN_MISSING)
      const session = await rotate(token, this.#options)
      const user = await readUser(session.userId)
      if (!user) throw invalidRefreshToken(TokenErrorReason.SESSION_ENDED)
      // If anything fails from here on, the same token gets the same session once more.
      const key = await this.#tokens.signingKey()
      return await this.#tokens.issue({ session, user: fromUserRow(user), key, transport })
    } catch (error) {
      // Only if the token was refused: after a failure of the database the same one is good.
      if (transport === TokenTransport.COOKIE && error instanceof AppError) {
        discardCookie(cookie, derivedKeys)
      }
      throw error
    }
  }

  /** The key with which `issue` will sign: `Renewal.key`. Call it outside of a transaction. */
  signingKey(): Promise<CurrentKey> {
    return this.#tokens.signingKey()
  }

  /**
   * Renews the session in which a user has changed their credentials, and revokes their other ones.
   * @param tx the transaction of the change, which has locked the user's row
   * @param type what the audit trail calls the change
   * @throws AppError UNAUTHENTICATED (SESSION_ENDED)
   */
  async renewAndRevokeOthers(
    tx: SqlEntityManager,
    record: RecordEvent,
    current: SessionReference,
    { type, ...renewal }: Renewal & { readonly type: EventKind },
  ): Promise<RenewedSession> {
    const sessionsEnded = await revokeOthers(tx, current)
    await record({ type, ...current, actor: EventActor.ACCOUNT, sessionsEnded })
    return renewSession(tx, current, renewal, this.#options)
  }

  /**
   * Renews a session whose user has just proved again who they are: its new tokens have the time of the proof.
   * @param tx a transaction that has locked the user's row and found the proof to be still good
   * @throws AppError UNAUTHENTICATED (SESSION_ENDED)
   */
  async renewAfterProof(
    tx: SqlEntityManager,
    record: RecordEvent,
    current: SessionReference,
    renewal: Renewal & { readonly provenBy: AuthenticationMethod },
  ): Promise<RenewedSession> {
    const { method } = renewal.provenBy
    await record({ type: EventKind.REAUTHENTICATED, ...current, actor: EventActor.ACCOUNT, method })
    return renewSession(tx, current, renewal, this.#options)
  }

  /** Sends the tokens of a renewed session, the refresh token as the old one travelled. */
  issue(renewed: RenewedSession): Promise<AuthPayload> {
    const transport = this.#tokens.transportOf(renewed.session.id)
    return this.#tokens.issue({ ...renewed, transport })
  }

  /**
   * Revokes every session that the request names: by its bearer token, its argument, its cookie. It is not
   * an error to name none, or one that has ended.
   */
  async revokeCurrent(bearer: SessionReference | undefined, refreshToken?: string): Promise<void> {
    const { cookie, derivedKeys } = this.#options
    const named = [refreshToken, cookie.read()]
      .map((text) =>
        text === undefined ? undefined : decodeRefreshToken(text, derivedKeys)?.sessionId,
      )
      .concat(bearer?.sessionId)
      .filter((id) => id !== undefined)
    await revokeByIds(named, this.#options)
    discardCookie(cookie, derivedKeys)
  }

  /** @returns whether there was one; another user's is not found */
  revoke(session: SessionReference): Promise<boolean> {
    return revokeOne(session, this.#options)
  }

  /** Revokes all of a user's sessions, or all but one. */
  async revokeAll(userId: string, exceptSessionId?: string): Promise<void> {
    await revokeAll(userId, exceptSessionId, this.#options)
    if (exceptSessionId === undefined) await this.#discardUnlessAlive()
  }

  /** A user's sessions that are still alive, the one used last first. */
  list(userId: string): Promise<ListedSession[]> {
    const { clock, em, policy } = this.#options
    return listSessions(userId, { em, policy, now: clock() })
  }

  /** The cookie may hold the session of another account. */
  async #discardUnlessAlive(): Promise<void> {
    const { cookie, em, derivedKeys } = this.#options
    const token = tokenInCookie(cookie, derivedKeys)
    const isAlive = token && (await em.count(Session, { id: token.sessionId })) > 0
    if (!isAlive) discardCookie(cookie, derivedKeys)
  }
}
