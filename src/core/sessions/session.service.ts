/** The door: every way in ends here, and every policy on who may come in stands here, once. */
import { randomBytes } from 'node:crypto'
import type { SqlEntityManager } from '@mikro-orm/sqlite'
import { sql, type Kysely } from 'kysely'
import type { NewEvent, RecordEvent } from '../audit/audit-trail.ts'
import { EventActor, EventReason, EventType } from '../audit/event.ts'
import type { PreparedRead } from '../../database/driver.ts'
import { AppError, ErrorCode, TokenErrorReason } from '../errors.ts'
import type { AccessTokens } from '../tokens/access-token.ts'
import type { CurrentKey } from '../tokens/key-ring.ts'
import { decodeRefreshToken, encodeRefreshToken } from '../tokens/refresh-token.ts'
import { lockUser } from '../users/lock-user.ts'
import { User } from '../users/user.entity.ts'
import { fromUserRow, userColumns, type UserRow } from '../users/user-row.ts'
import type { UserProfile } from '../users/user-profile.ts'
import { discardCookie, tokenInCookie, type RefreshCookie } from './refresh-cookie.ts'
import { shownTimes } from './last-use.ts'
import { endedMeanwhile, refusalOf } from './live-session.ts'
import { endReplacedSession } from './replaced-session.ts'
import { invalidRefreshToken, nextGeneration, rotate, type RotationOptions } from './rotation.ts'
import { Session } from './session.entity.ts'
import {
  fromSessionRow,
  sessionColumns,
  type SessionRecord,
  type SessionRow,
} from './session-row.ts'
import type { Authentication, SessionReference } from './authentication.ts'
import { TokenTransport } from './token-transport.ts'
import type { AuthPayload } from './auth-payload.ts'

export interface SessionServiceOptions extends RotationOptions {
  /** One account, as it is committed. */
  readonly readUser: PreparedRead<UserRow>
  readonly accessTokens: AccessTokens
  readonly cookie: RefreshCookie
}

/** A session with the times that may be shown of it. */
export interface ListedSession {
  readonly session: Session
  readonly lastUsedAt: number
  readonly expiresAt: number
}

/** A person keeps at most this many sessions; the one unused for longest makes room. */
export const sessionsPerUser = 100
const sessionIdShape = /^[\w-]{22}$/

export class SessionService {
  readonly #options: SessionServiceOptions
  #issuedSessionId: string | undefined

  constructor(options: SessionServiceOptions) {
    this.#options = options
  }

  /** The session of which this request has issued tokens; of several, the last one. */
  get issuedSessionId(): string | undefined {
    return this.#issuedSessionId
  }

  /**
   * Makes sure that an access token can be signed: to be awaited before an account is made whose first
   * session is to begin.
   */
  async prepare(): Promise<void> {
    await this.#options.accessTokens.signingKey()
  }

  /**
   * Begins a session for somebody who has just proven who they are.
   * @throws AppError UNAUTHENTICATED (ACCOUNT_DISABLED), or INVALID_CREDENTIALS where the account or
   * its credential changed while the proof was checked
   */
  async begin(authentication: Authentication, transport: TokenTransport): Promise<AuthPayload> {
    const { accessTokens, audit, clock, cookie, em, secrets } = this.#options
    const { userId, credentialVersion, method } = authentication
    const replaced =
      transport === TokenTransport.COOKIE ? tokenInCookie(cookie, secrets) : undefined
    // Read before the session is committed: nobody would know of it.
    const key = await accessTokens.signingKey()
    const now = clock()
    const session = this.#newSession(authentication, now)
    const refusal = await audit.transactional(em, async (tx, record) => {
      const kysely = tx.getKysely() as Kysely<unknown>
      // The first statement locks the person: whoever disables them or changes the password at the
      // same moment comes either before, and is seen, or after, and finds the session.
      const admitted = await sql`update users set last_signed_in_at = ${now}
        where id = ${userId} and disabled_at is null
          and credential_version = ${credentialVersion}`.execute(kysely)
      if (admitted.numAffectedRows !== 1n) {
        const { reason, error } = await this.#refusal(tx, userId)
        const type = EventType.SIGN_IN_FAILED
        await record({ type, userId, actor: EventActor.ANONYMOUS, reason, method })
        return error
      }
      if (replaced) await endReplacedSession(tx, record, replaced, now)
      await sql`insert into sessions (id, user_id, method, generation, rotated_at, created_at,
          authenticated_at, last_used_at, expires_at, ends_at, user_agent, ip)
        values (${session.id}, ${userId}, ${session.method}, ${session.generation}, null, ${now},
          ${now}, ${now}, ${session.expiresAt}, ${session.endsAt}, ${session.userAgent}, ${session.ip})`.execute(
        kysely,
      )
      // Never the new one, even if an instance whose clock is ahead wrote all the others.
      const crowdedOut = await sql`delete from sessions
        where user_id = ${userId} and id <> ${session.id} and id not in (
          select id from sessions where user_id = ${userId} and id <> ${session.id}
          order by last_used_at desc, id limit ${sessionsPerUser - 1})`.execute(kysely)
      const by = { userId, actor: EventActor.ACCOUNT }
      await record({ type: EventType.SIGNED_IN, ...by, method, sessionId: session.id })
      const sessionsEnded = Number(crowdedOut.numAffectedRows)
      if (sessionsEnded > 0) {
        const reason = EventReason.TOO_MANY_SESSIONS
        await record({ type: EventType.SESSION_ENDED, ...by, reason, sessionsEnded })
      }
      return undefined
    })
    if (refusal) throw refusal
    const user = await this.#readUser(session, invalidCredentials)
    return this.#payload(session, user, transport, key)
  }

  /**
   * Exchanges a refresh token for its successor. A token that was replaced a moment ago gets the same
   * successor again (two tabs, a lost answer); an older one ends the session.
   * @param argument takes precedence over the cookie
   * @throws AppError INVALID_REFRESH_TOKEN, REFRESH_TOKEN_REUSED
   */
  async refresh(argument: string | undefined): Promise<AuthPayload> {
    const { accessTokens, cookie, secrets } = this.#options
    const transport = argument === undefined ? TokenTransport.COOKIE : TokenTransport.BODY
    const token = argument ?? cookie.read()
    try {
      if (token === undefined) throw invalidRefreshToken(TokenErrorReason.TOKEN_MISSING)
      const session = await rotate(token, this.#options)
      const user = await this.#readUser(session, () =>
        invalidRefreshToken(TokenErrorReason.SESSION_ENDED),
      )
      // Should anything fail from here on, the same token gets the same session once more.
      const key = await accessTokens.signingKey()
      return await this.#payload(session, user, transport, key)
    } catch (error) {
      // Only if the token was refused: after a failure of the database the same one is good.
      if (transport === TokenTransport.COOKIE && error instanceof AppError) {
        discardCookie(cookie, secrets)
      }
      throw error
    }
  }

  /**
   * Ends every session that the request names: by its bearer token, its argument, its cookie. Naming
   * none, or one that has ended, is no error.
   */
  async endThis(bearer: SessionReference | undefined, refreshToken?: string): Promise<void> {
    const { audit, cookie, em, secrets } = this.#options
    const named = [refreshToken, cookie.read()]
      .map((text) =>
        text === undefined ? undefined : decodeRefreshToken(text, secrets)?.sessionId,
      )
      .concat(bearer?.sessionId)
      .filter((id) => id !== undefined)
    if (named.length > 0) {
      await audit.transactional(em, async (tx, record) => {
        const { rows } = await sql<{ id: string; user_id: string }>`delete from sessions
          where id in (${sql.join(named)}) returning id, user_id`.execute(tx.getKysely())
        for (const { id, user_id } of rows) {
          await record(sessionEnded(user_id, EventReason.LOGOUT, { sessionId: id }))
        }
      })
    }
    discardCookie(cookie, secrets)
  }

  /** @returns whether there was one; of another person's none is found */
  async end(userId: string, sessionId: string): Promise<boolean> {
    if (!sessionIdShape.test(sessionId)) return false
    const { audit, em } = this.#options
    return audit.transactional(em, async (tx, record) => {
      const wasThere = (await tx.nativeDelete(Session, { id: sessionId, user: userId })) > 0
      if (wasThere) await record(sessionEnded(userId, EventReason.REVOKED, { sessionId }))
      return wasThere
    })
  }

  /** Ends all of a person's sessions, or all but one. */
  async endAll(userId: string, exceptSessionId?: string): Promise<void> {
    const { audit, em } = this.#options
    const reason =
      exceptSessionId === undefined ? EventReason.LOGOUT_ALL : EventReason.LOGOUT_OTHERS
    await audit.transactional(em, async (tx, record) => {
      await lockUser(tx, userId)
      const sessionsEnded = await tx.nativeDelete(Session, {
        user: userId,
        ...(exceptSessionId === undefined ? {} : { id: { $ne: exceptSessionId } }),
      })
      if (sessionsEnded > 0) await record(sessionEnded(userId, reason, { sessionsEnded }))
    })
    if (exceptSessionId === undefined) await this.#discardUnlessAlive()
  }

  /**
   * A user's sessions that are still alive, the one used last first. Neither the times nor the order
   * tell the moment of a refresh: see `last-use.ts`.
   */
  async list(userId: string): Promise<ListedSession[]> {
    const { clock, em, policy } = this.#options
    const now = clock()
    const sessions = await em.find(Session, { user: userId, expiresAt: { $gt: now } })
    return sessions
      .map((session) => ({ session, ...shownTimes(session, policy, now) }))
      .toSorted(
        (one, other) =>
          other.lastUsedAt - one.lastUsedAt ||
          other.session.createdAt - one.session.createdAt ||
          (one.session.id < other.session.id ? -1 : 1),
      )
  }

  /**
   * Changes a user's credentials and ends their other sessions. The tokens of this one are replaced, see
   * `#renew`.
   * @param provenBy how the request proved who the user is; undefined if it relies on an earlier proof
   * @param change changes them, in the transaction. @returns whether they were as the request had seen them
   * @throws AppError INVALID_CREDENTIALS, with nothing changed, if they were not; UNAUTHENTICATED
   * (SESSION_ENDED, ACCOUNT_DISABLED)
   */
  async changeCredentials(
    current: SessionReference,
    type: EventType,
    provenBy: string | undefined,
    change: (kysely: Kysely<unknown>) => Promise<boolean>,
  ): Promise<AuthPayload> {
    return this.#renew(current, provenBy, async (tx, record) => {
      const kysely = tx.getKysely() as Kysely<unknown>
      if (!(await change(kysely))) throw await refusalOf(tx, current, this.#options.clock())
      const others = await sql`delete from sessions
        where user_id = ${current.userId} and id <> ${current.sessionId}`.execute(kysely)
      const sessionsEnded = Number(others.numAffectedRows)
      await record({ type, ...current, actor: EventActor.ACCOUNT, sessionsEnded })
    })
  }

  /**
   * The user of this session has just proved again who they are: its tokens are replaced, see `#renew`,
   * and the new ones tell of the proof.
   * @param confirm locks the user's row, in the transaction. @returns whether the proof still holds
   * @throws AppError INVALID_CREDENTIALS if it does not; UNAUTHENTICATED (SESSION_ENDED, ACCOUNT_DISABLED)
   */
  async reauthenticated(
    current: SessionReference,
    method: string,
    confirm: (kysely: Kysely<unknown>) => Promise<boolean>,
  ): Promise<AuthPayload> {
    return this.#renew(current, method, async (tx, record) => {
      const kysely = tx.getKysely() as Kysely<unknown>
      if (!(await confirm(kysely))) throw await refusalOf(tx, current, this.#options.clock())
      const type = EventType.REAUTHENTICATED
      await record({ type, ...current, actor: EventActor.ACCOUNT, method })
    })
  }

  /**
   * Replaces the refresh token of a session without grace: a copy of the old one must not come by what
   * the session has gained (docs/adr/0032). The new one travels as the old one did.
   * @param provenBy how the user has just proved who they are, if they did
   * @param work what else belongs to the transaction; it comes first, to lock the user's row
   */
  async #renew(
    { sessionId, userId }: SessionReference,
    provenBy: string | undefined,
    work: (tx: SqlEntityManager, record: RecordEvent) => Promise<void>,
  ): Promise<AuthPayload> {
    const { accessTokens, audit, clock, cookie, em, policy, secrets } = this.#options
    // As in `begin`: read before anything is committed that an access token is the response to.
    const key = await accessTokens.signingKey()
    const { session, user } = await audit.transactional(em, async (tx, record) => {
      const kysely = tx.getKysely() as Kysely<unknown>
      await work(tx, record)
      const now = clock()
      const proof =
        provenBy === undefined
          ? sql``
          : sql`, authenticated_at = ${now}, authenticated_by = ${provenBy}`
      const renewed = await sql<SessionRow>`update sessions
        set ${nextGeneration(now, policy)}, rotated_at = null${proof}
        where id = ${sessionId} and user_id = ${userId} and expires_at > ${now}
        returning ${sessionColumns}`.execute(kysely)
      const read = await sql<UserRow>`select ${sql.raw(userColumns)} from users
        where users.id = ${userId}`.execute(kysely)
      const [sessionRow, userRow] = [renewed.rows[0], read.rows[0]]
      if (!sessionRow || !userRow) throw endedMeanwhile()
      return { session: fromSessionRow(sessionRow), user: fromUserRow(userRow) }
    })
    const inCookie = tokenInCookie(cookie, secrets)
    const transport =
      inCookie?.sessionId === sessionId ? TokenTransport.COOKIE : TokenTransport.BODY
    return this.#payload(session, user, transport, key)
  }

  /** The cookie may hold the session of another account. */
  async #discardUnlessAlive(): Promise<void> {
    const { cookie, em, secrets } = this.#options
    const token = tokenInCookie(cookie, secrets)
    const isAlive = token && (await em.count(Session, { id: token.sessionId })) > 0
    if (!isAlive) discardCookie(cookie, secrets)
  }

  #newSession({ userId, method }: Authentication, now: number) {
    const { client, policy } = this.#options
    const endsAt = now + policy.maxLifetimeSeconds * 1000
    return {
      id: randomBytes(16).toString('base64url'),
      userId,
      method,
      generation: 0,
      createdAt: now,
      authenticatedAt: now,
      authenticatedBy: method,
      expiresAt: Math.min(now + policy.idleLifetimeSeconds * 1000, endsAt),
      endsAt,
      userAgent: client.userAgent ?? null,
      ip: client.ip ?? null,
    }
  }

  async #refusal(
    em: SqlEntityManager,
    userId: string,
  ): Promise<{ reason: EventReason; error: AppError }> {
    // Past the identity map, which has the person as they were when the proof was checked.
    const user = await em.findOne(User, { id: userId }, { refresh: true })
    if (user?.disabledAt != null) {
      const reason = TokenErrorReason.ACCOUNT_DISABLED
      return {
        reason: EventReason.ACCOUNT_DISABLED,
        error: new AppError(ErrorCode.UNAUTHENTICATED, 'This account is disabled.', { reason }),
      }
    }
    return {
      reason: EventReason.CREDENTIALS_CHANGED,
      error: invalidCredentials(),
    }
  }

  /**
   * Past the ORM, whose copy may be from before a hash was computed; and in a fifth of its time.
   * @throws what is given, where the account was deleted in this moment
   */
  async #readUser({ userId }: { userId: string }, gone: () => AppError): Promise<UserProfile> {
    const row = await this.#options.readUser(userId)
    if (!row) throw gone()
    return fromUserRow(row)
  }

  async #payload(
    session: Pick<
      SessionRecord,
      'id' | 'generation' | 'expiresAt' | 'authenticatedAt' | 'authenticatedBy'
    >,
    user: UserProfile,
    transport: TokenTransport,
    signingKey: CurrentKey,
  ): Promise<AuthPayload> {
    const { accessTokens, clock, cookie, secrets } = this.#options
    const refreshToken = encodeRefreshToken(
      { sessionId: session.id, generation: session.generation },
      secrets,
    )
    const refreshExpiresIn = Math.max(0, Math.round((session.expiresAt - clock()) / 1000))
    const claims = {
      sub: user.id,
      sid: session.id,
      roles: user.roles,
      auth_time: Math.floor(session.authenticatedAt / 1000),
      ...(session.authenticatedBy === 'password' ? { amr: ['pwd'] } : {}),
    }
    const accessToken = await accessTokens.issue(claims, signingKey)
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

function sessionEnded(
  userId: string,
  reason: EventReason,
  which: { sessionId: string } | { sessionsEnded: number },
): NewEvent {
  const ended = { sessionsEnded: 1, ...which }
  return { type: EventType.SESSION_ENDED, userId, actor: EventActor.ACCOUNT, reason, ...ended }
}

function invalidCredentials(): AppError {
  return new AppError(ErrorCode.INVALID_CREDENTIALS, 'Wrong e-mail or password.')
}
