/** Identities as the provider's own name for a user has them, and what a profile is in our words. */
import { randomUUID } from 'node:crypto'
import type { SqlEntityManager } from '@mikro-orm/sqlite'
import { normalizeEmail } from '../users/email.ts'
import { Identity } from '../users/identity.entity.ts'
import { shortenName } from '../users/name.ts'
import type { User } from '../users/user.entity.ts'
import type { ProviderClient } from './provider-client.ts'
import type { ProviderProfile } from './provider-facts.ts'

export interface Linked {
  readonly user: User
  readonly identity: Identity
}

export async function findIdentity(
  em: SqlEntityManager,
  provider: ProviderClient,
  { subject }: ProviderProfile,
): Promise<Linked | undefined> {
  const key = { provider: provider.id, subject }
  // Past the identity map: another field of the same request may have changed the account.
  const identity = await em.findOne(Identity, key, { populate: ['user'], refresh: true })
  return identity ? { user: identity.user, identity } : undefined
}

/** @param user may be new, and is then stored with it */
export async function addIdentity(
  tx: SqlEntityManager,
  provider: ProviderClient,
  profile: ProviderProfile,
  user: User,
  now: number,
): Promise<Identity> {
  const identity = new Identity()
  identity.id = randomUUID()
  identity.user = user
  identity.provider = provider.id
  identity.subject = profile.subject
  identity.email = emailOf(profile) ?? null
  identity.linkedAt = now
  await tx.persist([user, identity]).flush()
  return identity
}

/** @returns the address in normal form; undefined if there is none, or none that can be used */
export function emailOf({ email }: ProviderProfile): string | undefined {
  return email === null ? undefined : normalizeEmail(email)
}

/** What the provider calls the user, made to fit the rules for a name. */
export function displayNameOf({ name }: ProviderProfile): string | null {
  return shortenName(name ?? '') ?? null
}
