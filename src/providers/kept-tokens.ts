/** Keeps the providers' own tokens encrypted, and renews them when they expire. */
import { sql } from 'kysely'
import type { Database } from '../database/database.ts'
import type { ProviderClient, ProviderTokens } from './provider-client.ts'

/** Encrypts at rest; the label binds a text to its place. */
export interface Encryption {
  encrypt(text: string, label: string): string
  decrypt(encrypted: string, label: string): string
}

interface Row {
  access_token_encrypted: string
  refresh_token_encrypted: string | null
  expires_at: number | string | null
  scopes: string
}

/** A token that is about to expire would expire on its way. */
const renewBeforeMilliseconds = 60_000

export class KeptTokens {
  readonly #database: Database
  readonly #encryption: Encryption
  readonly #clock: () => number
  /** Renewals under way: a provider that rotates refresh tokens takes the second use for theft. */
  readonly #renewing = new Map<string, Promise<ProviderTokens>>()

  constructor(options: { database: Database; encryption: Encryption; clock: () => number }) {
    this.#database = options.database
    this.#encryption = options.encryption
    this.#clock = options.clock
  }

  async keep(identityId: string, tokens: ProviderTokens): Promise<void> {
    const { accessToken, refreshToken, expiresAt, scopes } = tokens
    // A provider that gives a refresh token only the first time must not lose it for us.
    await sql`insert into provider_tokens
        (identity_id, access_token_encrypted, refresh_token_encrypted, expires_at, scopes)
      values (${identityId}, ${this.#encryption.encrypt(accessToken, identityId)},
        ${refreshToken === null ? null : this.#encryption.encrypt(refreshToken, identityId)},
        ${expiresAt}, ${scopes.join(' ')})
      on conflict (identity_id) do update set
        access_token_encrypted = excluded.access_token_encrypted,
        refresh_token_encrypted =
          coalesce(excluded.refresh_token_encrypted, provider_tokens.refresh_token_encrypted),
        expires_at = excluded.expires_at,
        scopes = excluded.scopes`.execute(this.#database.kysely)
  }

  /**
   * @returns undefined where none is kept
   * @throws ProviderFailure when the token has expired and cannot be renewed
   */
  async read(provider: ProviderClient, identityId: string): Promise<ProviderTokens | undefined> {
    const { rows } = await sql<Row>`select access_token_encrypted, refresh_token_encrypted,
        expires_at, scopes
      from provider_tokens where identity_id = ${identityId}`.execute(this.#database.kysely)
    const row = rows[0]
    if (!row) return undefined
    const kept = this.#decrypt(row, identityId)
    const isFresh =
      kept.expiresAt === null || kept.expiresAt > this.#clock() + renewBeforeMilliseconds
    if (isFresh || kept.refreshToken === null) return kept
    return this.#renew(provider, identityId, kept.refreshToken)
  }

  #renew(
    provider: ProviderClient,
    identityId: string,
    refreshToken: string,
  ): Promise<ProviderTokens> {
    const underWay = this.#renewing.get(identityId)
    if (underWay) return underWay
    const renewal = (async () => {
      const renewed = await provider.refresh(refreshToken)
      await this.keep(identityId, renewed)
      return renewed
    })().finally(() => this.#renewing.delete(identityId))
    this.#renewing.set(identityId, renewal)
    return renewal
  }

  #decrypt(row: Row, label: string): ProviderTokens {
    const { access_token_encrypted, refresh_token_encrypted, expires_at, scopes } = row
    return {
      accessToken: this.#encryption.decrypt(access_token_encrypted, label),
      refreshToken:
        refresh_token_encrypted === null
          ? null
          : this.#encryption.decrypt(refresh_token_encrypted, label),
      expiresAt: expires_at === null ? null : Number(expires_at),
      scopes: scopes === '' ? [] : scopes.split(' '),
    }
  }
}
