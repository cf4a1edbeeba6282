/** A sign-in that is still alive. The row is the session: ending one deletes it. */
import { defineEntity, p } from '@mikro-orm/core'
import { User } from '../users/user.entity.ts'

const SessionSchema = defineEntity({
  name: 'Session',
  tableName: 'sessions',
  indexes: [{ properties: ['user', 'lastUsedAt'] }],
  properties: {
    /** 128 random bits, base64url. */
    id: p.string().length(22).primary(),
    user: () => p.manyToOne(User).deleteRule('cascade').index(false),
    /** How the user signed in: `password` or a provider's id. */
    method: p.string().length(64),
    /** When the user last proved who they are; 0, from an older version, stands for `createdAt`. */
    authenticatedAt: p.bigint('number').defaultRaw('0'),
    /** How: values of RFC 8176. Empty if none applies, and in a row that an older version has written. */
    amr: p.json<string[]>().defaultRaw("'[]'"),
    /** What an older version has in place of `amr`. It reads this during a rolling update. */
    authenticatedBy: p.string().length(64).nullable(),
    /** Counts the refresh tokens handed out; only the newest one rotates. */
    generation: p.integer(),
    /** When the newest refresh token replaced the one before; null if there is no grace for that one. */
    rotatedAt: p.bigint('number').nullable(),
    createdAt: p.bigint('number'),
    lastUsedAt: p.bigint('number'),
    /** The last use before the hour of `lastUsedAt`; null if there was none since the sign-in (`last-use.ts`). */
    usedBefore: p.bigint('number').nullable(),
    /** How many generations were issued more than once within the grace window. */
    repeats: p.integer().default(0),
    /** The last of them. */
    repeatedGeneration: p.integer().nullable(),
    /** The last of them that another request origin got, which the audit trail reports. */
    reportedGeneration: p.integer().nullable(),
    /** The idle limit, never later than `endsAt`. */
    expiresAt: p.bigint('number').index(),
    /** The absolute limit. */
    endsAt: p.bigint('number'),
    userAgent: p.string().length(512).nullable(),
    ip: p.string().length(45).nullable(),
  },
})

export class Session extends SessionSchema.class {}
SessionSchema.setClass(Session)
