/** A user's account at a provider, with which the user can sign in. */
import { defineEntity, p } from '@mikro-orm/core'
import { User } from './user.entity.ts'

const IdentitySchema = defineEntity({
  name: 'Identity',
  tableName: 'identities',
  uniques: [{ properties: ['provider', 'subject'] }],
  indexes: [{ properties: ['provider', 'issuer'] }],
  properties: {
    id: p.uuid().primary(),
    user: () => p.manyToOne(User).deleteRule('cascade').index(),
    provider: p.string().length(64),
    subject: p.string().length(255),
    /** Who issued the subject: under the same name there may be another issuer one day. Null in old rows. */
    issuer: p.text().nullable(),
    email: p.string().length(254).nullable(),
    linkedAt: p.bigint('number'),
  },
})

export class Identity extends IdentitySchema.class {}
IdentitySchema.setClass(Identity)
