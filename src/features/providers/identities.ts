/** Identities as the provider's own name for a user has them, and what a profile is in our words. */
import { randomUUID } from 'node:crypto'
import type { SqlEntityManager } from '@mikro-orm/sqlite'
import { normalizeEmail } from '../../core/users/email.ts'
import { Identity } from '../../core/users/identity.entity.ts'
import { shortenName } from '../../core/users/name.ts'
import type { User } from '../../core/users/user.entity.ts'
import type { ProviderClient } from './provider-client.ts'
import type { ProviderProfile } from './definitions/provider-definition.ts'
import { OtherIssuerFailure } from './provider-failure.ts'

export interface Linked {
  readonly user: User
  readonly identity: Identity
}

/**
 * @throws ProviderFailure if the identity is of another issuer, which had the provider's id before: its
 * users are not those of this one
 */
export async function findIdentity(
  em: SqlEntityManager,
  provider: ProviderClient,
  { subject }: ProviderProfile,
): Promise<Linked | undefined> {
  const key = { provider: provider.id, subject }
  // Past the identity map: another field of the same request may have changed the account.
  const identity = await em.findOne(Identity, key, { populate: ['user'], refresh: true })
  if (!identity) return undefined
  requireIssuer(provider, identity)
  return { user: identity.user, identity }
}

/** @throws ProviderFailure, see above */
export function requireIssuer(provider: ProviderClient, identity: Identity): void {
  if (provider.isIssuerOf(identity)) return
  throw new OtherIssuerFailure(
    `The identity is of the issuer ${identity.issuer}, and ${provider.id} is ${provider.issuer} now`,
  )
}

/** The ids of the providers with which the owner of the identities can sign in. */
export function usableProvidersOf(
  identities: readonly { readonly provider: string; readonly issuer?: string | null | undefined }[],
  clients: ReadonlyMap<string, ProviderClient>,
): string[] {
  const open = identities.filter(
    (identity) => clients.get(identity.provider)?.isIssuerOf(identity) === true,
  )
  return [...new Set(open.map(({ provider }) => provider))]
}

/** The ids of the providers with which a user can sign in, in the order in which they were linked. */
export async function signInMethodsOf(
  em: SqlEntityManager,
  userId: string,
  clients: ReadonlyMap<string, ProviderClient>,
): Promise<string[]> {
  const identities = await em.find(Identity, { user: userId }, { orderBy: { linkedAt: 'asc' } })
  return usableProvidersOf(identities, clients)
}

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
  identity.issuer = provider.issuer
  identity.email = emailOf(profile) ?? null
  identity.linkedAt = now
  await tx.persist(identity).flush()
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
