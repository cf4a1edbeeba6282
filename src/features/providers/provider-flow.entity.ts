/** A sign-in at a provider that has started and not come back yet. */
import { defineEntity, p } from '@mikro-orm/core'
import { User } from '../../core/users/user.entity.ts'

const ProviderFlowSchema = defineEntity({
  name: 'ProviderFlow',
  tableName: 'provider_flows',
  properties: {
    /** Digest of the flow token, which only the client that started has. */
    tokenHash: p.string().length(43).primary(),
    provider: p.string().length(64),
    /** With whom the flow started: its code is for no other issuer. Null in old rows. */
    issuer: p.text().nullable(),
    /** Digest of `state`; a posted response, which brings nothing else, is forwarded by it. */
    stateHash: p.string().length(43).unique(),
    nonce: p.string().length(64),
    codeVerifier: p.string().length(64),
    redirectUri: p.text(),
    /** What it was started for; it is good for nothing else. */
    purpose: p.string().length(32).default('SIGN_IN'),
    /** Who was signed in when it started: only they can link with it. */
    user: () => p.manyToOne(User).nullable().deleteRule('cascade').index(),
    /** What the provider calls the user in a response that it posts: Apple does so once. */
    name: p.string().length(200).nullable(),
    /** Of the client that started: a full table makes room where one network has the most. */
    network: p.string().length(64).default('').index(),
    expiresAt: p.bigint('number').index(),
  },
})

export class ProviderFlow extends ProviderFlowSchema.class {}
ProviderFlowSchema.setClass(ProviderFlow)
