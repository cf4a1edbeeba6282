/** The door: every way in ends here, and every policy on who may come in stands here, once. */
import { randomBytes } from 'node:crypto'
import type { SqlEntityManager } from '@mikro-orm/sqlite'
import { sql, type Kysely } from 'kysely'
import type { NewEvent } from '../audit/audit-trail.ts'
import { EventActor, EventReason, EventType } from '../audit/event.ts'
import type { PreparedRead } from '../database/driver.ts'
import { AppError, ErrorCode, TokenErrorReason } from '../errors.ts'
import type { AccessTokens } from '../tokens/access-token.ts'
import { decodeRefreshToken, encodeRefreshToken } from '../tokens/refresh-token.ts'
import { lockPerson } from '../users/lock-person.ts'
import { User } from '../users/user.entity.ts'
import { fromUserRow, userColumns, type UserRow } from '../users/user-row.ts'
import type { UserType } from '../users/user.type.ts'
import type { RefreshCookie } from './refresh-cookie.ts'
import { invalidRefreshToken, rotate, type RotationOptions } from './rotation.ts'
import { Session } from './session.entity.ts'
import { sessionColumns, toRotated, type RotatedSession, type SessionRow } from './session-row.ts'
import type { Authentication, SessionReference } from './session.ts'
import { TokenTransport, type AuthPayloadType } from './session.type.ts'

export interface SessionServiceOptions extends RotationOptions {
  /** One account, as it is committed. */
  readonly readUser: PreparedRead<UserRow>
  readonly accessTokens: AccessTokens
  readonly cookie: RefreshCookie
}

/** A person keeps at most this many sessions; the one unused for longest makes room. */
export const sessionsPerUser = 100
const sessionIdShape = /^[\w-]{22}$/

export class SessionService {
  readonly #options: SessionServiceOptions

  constructor(options: SessionServiceOptions) {
    this.#options = options
  }

  /**
   * Begins a session for somebody who has just proven who they are.
   * @throws AppError UNAUTHENTICATED (ACCOUNT_DISABLED), or INVALID_CREDENTIALS where the account or
   * its credential changed while the proof was checked
   */
  async begin(authentication: Authentication, transport: TokenTransport): Promise<AuthPayloadType> {
    const { audit, em } = this.#options
    const { userId, credentialVersion, method } = authentication
    const now = this.#options.clock()
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
      await sql`insert into sessions (id, user_id, method, generation, rotated_at, created_at,
          last_used_at, expires_at, ends_at, user_agent, ip)
        values (${session.id}, ${userId}, ${session.method}, ${session.generation}, null, ${now},
          ${now}, ${session.expiresAt}, ${session.endsAt}, ${session.userAgent}, ${session.ip})`.execute(
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
    return this.#payload(session, await this.#readUser(session, invalidCredentials), transport)
  }

  /**
   * Exchanges a refresh token for its successor. A token that was replaced a moment ago gets the same
   * successor again (two tabs, a lost answer); an older one ends the session.
   * @param argument takes precedence over the cookie
   * @throws AppError INVALID_REFRESH_TOKEN, REFRESH_TOKEN_REUSED
   */
  async refresh(argument: string | undefined): Promise<AuthPayloadType> {
    const { cookie } = this.#options
    const transport = argument === undefined ? TokenTransport.COOKIE : TokenTransport.BODY
    const token = argument ?? cookie.read()
    try {
      if (token === undefined) throw invalidRefreshToken(TokenErrorReason.TOKEN_MISSING)
      const session = await rotate(token, this.#options)
      const user = await this.#readUser(session, () =>
        invalidRefreshToken(TokenErrorReason.SESSION_ENDED),
      )
      return await this.#payload(session, user, transport)
    } catch (error) {
      if (transport === TokenTransport.COOKIE && error instanceof AppError) cookie.clear()
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
    cookie.clear()
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
      await lockPerson(tx, userId)
      const sessionsEnded = await tx.nativeDelete(Session, {
        user: userId,
        ...(exceptSessionId === undefined ? {} : { id: { $ne: exceptSessionId } }),
      })
      if (sessionsEnded > 0) await record(sessionEnded(userId, reason, { sessionsEnded }))
    })
    if (exceptSessionId === undefined) this.#options.cookie.clear()
  }

  /** A person's sessions that are still alive, the one used last first. */
  async list(userId: string): Promise<Session[]> {
    return this.#options.em.find(
      Session,
      { user: userId, expiresAt: { $gt: this.#options.clock() } },
      { orderBy: { lastUsedAt: 'desc', id: 'asc' } },
    )
  }

  /**
   * After a change of credentials: ends the person's other sessions and replaces this one's refresh
   * token without grace, so that a copy of the old one is good for nothing.
   * @param tx the transaction that changes the credentials
   * @returns what the answer needs, so that nothing is left to be asked that could fail once the change is
   * committed, and how many others are ended; undefined where the session has ended meanwhile
   */
  async renew(
    tx: SqlEntityManager,
    userId: string,
    sessionId: string,
  ): Promise<{ session: RotatedSession; user: UserType; sessionsEnded: number } | undefined> {
    const kysely = tx.getKysely() as Kysely<unknown>
    const others =
      await sql`delete from sessions where user_id = ${userId} and id <> ${sessionId}`.execute(
        kysely,
      )
    const renewed = await sql<SessionRow>`update sessions
      set generation = generation + 1, rotated_at = null, last_used_at = ${this.#options.clock()}
      where id = ${sessionId} and user_id = ${userId} and expires_at > ${this.#options.clock()}
      returning ${sessionColumns}`.execute(kysely)
    const read = await sql<UserRow>`select ${sql.raw(userColumns)} from users u
      where u.id = ${userId}`.execute(kysely)
    const [session, user] = [renewed.rows[0], read.rows[0]]
    if (!session || !user) return undefined
    return {
      session: toRotated(session),
      user: fromUserRow(user, sessionId),
      sessionsEnded: Number(others.numAffectedRows),
    }
  }

  /** The answer to a change of credentials, once it is committed. The token travels as it did. */
  async renewed(session: RotatedSession, user: UserType): Promise<AuthPayloadType> {
    const { cookie, secrets } = this.#options
    const inCookie = decodeRefreshToken(cookie.read() ?? '', secrets)
    const transport =
      inCookie?.sessionId === session.id ? TokenTransport.COOKIE : TokenTransport.BODY
    return this.#payload(session, user, transport)
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
  async #readUser(
    { id, userId }: { id: string; userId: string },
    gone: () => AppError,
  ): Promise<UserType> {
    const row = await this.#options.readUser(userId)
    if (!row) throw gone()
    return fromUserRow(row, id)
  }

  async #payload(
    session: Pick<RotatedSession, 'id' | 'generation' | 'createdAt' | 'expiresAt' | 'method'>,
    user: UserType,
    transport: TokenTransport,
  ): Promise<AuthPayloadType> {
    const { accessTokens, clock, cookie, secrets } = this.#options
    const refreshToken = encodeRefreshToken(
      { sessionId: session.id, generation: session.generation },
      secrets,
    )
    const refreshExpiresIn = Math.max(0, Math.round((session.expiresAt - clock()) / 1000))
    const accessToken = await accessTokens.issue({
      sub: user.id,
      sid: session.id,
      roles: user.roles,
      auth_time: Math.floor(session.createdAt / 1000),
      ...(session.method === 'password' ? { amr: ['pwd'] } : {}),
    })
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
