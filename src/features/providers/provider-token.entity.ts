/** The provider's own tokens, if the operator wants them kept; encrypted under a key of APP_SECRET. */
import { defineEntity, p } from '@mikro-orm/core'
import { Identity } from '../../core/users/identity.entity.ts'

const ProviderTokenSchema = defineEntity({
  name: 'ProviderToken',
  tableName: 'provider_tokens',
  properties: {
    identity: () => p.oneToOne(Identity).primary().owner().deleteRule('cascade'),
    accessTokenEncrypted: p.text().hidden(),
    refreshTokenEncrypted: p.text().nullable().hidden(),
    /** Null if the provider did not say. */
    expiresAt: p.bigint('number').nullable(),
    /** Separated by spaces. */
    scopes: p.text(),
    /** One call renews it, and the others wait until then at most. */
    renewingUntil: p.bigint('number').nullable(),
  },
})

export class ProviderToken extends ProviderTokenSchema.class {}
ProviderTokenSchema.setClass(ProviderToken)
