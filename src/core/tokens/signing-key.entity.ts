/** A key of the ring, as stored; the private half is encrypted under a key derived from APP_SECRET. */
import { defineEntity, p } from '@mikro-orm/core'

/** next: published, not yet signing · current: signs · retired: verifies until the last token has expired. */
export type KeyState = 'next' | 'current' | 'retired'

const SigningKeySchema = defineEntity({
  name: 'SigningKey',
  tableName: 'signing_keys',
  // One next and one current key, whoever rotates: the database refuses a second.
  uniques: [
    {
      name: 'signing_keys_state_unique',
      expression:
        "create unique index signing_keys_state_unique on signing_keys (state) where state <> 'retired'",
    },
  ],
  properties: {
    kid: p.string().length(64).primary(),
    algorithm: p.string().length(16),
    /** A public JWK as JSON text. */
    publicKey: p.text(),
    privateKeyEncrypted: p.text().hidden(),
    state: p.string().$type<KeyState>().length(16),
    createdAt: p.bigint('number'),
    currentSince: p.bigint('number').nullable(),
    /** When a retired key may go. */
    removableAt: p.bigint('number').nullable(),
  },
})

export class SigningKey extends SigningKeySchema.class {}
SigningKeySchema.setClass(SigningKey)
