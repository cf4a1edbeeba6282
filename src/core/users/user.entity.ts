/** The user, as stored. */
import { defineEntity, p } from '@mikro-orm/core'
import type { Role } from './role.ts'

// Times are whole milliseconds since the epoch, from the application's clock: the same number on
// both engines, comparable in any statement (docs/adr/0005).
const UserSchema = defineEntity({
  name: 'User',
  tableName: 'users',
  properties: {
    id: p.uuid().primary(),
    /** In normal form (`email.ts`), so that the unique index is the one guard against duplicates. */
    email: p.string().length(254).nullable().unique(),
    emailVerified: p.boolean(),
    name: p.string().length(200).nullable(),
    roles: p.json<Role[]>(),
    passwordHash: p.string().length(60).nullable().hidden(),
    /** When a password that an operator set stops working; null for one that the user chose. */
    passwordExpiresAt: p.bigint('number').nullable(),
    /** Counts changes of what the user signs in with; a sign-in that saw an older one is refused. */
    credentialVersion: p.integer(),
    createdAt: p.bigint('number'),
    lastSignedInAt: p.bigint('number').nullable(),
    disabledAt: p.bigint('number').nullable(),
  },
})

export class User extends UserSchema.class {}
UserSchema.setClass(User)
