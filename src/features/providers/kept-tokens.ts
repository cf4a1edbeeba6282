/** Keeps the providers' own tokens encrypted, and renews them when they expire. */
import { setTimeout as wait } from 'node:timers/promises'
import { sql } from 'kysely'
import type { Database } from '../../database/database.ts'
import { exchangeTimeoutMilliseconds } from './outbound-fetch.ts'
import type { ProviderClient, ProviderTokens } from './provider-client.ts'
import { ProviderFailure } from './provider-failure.ts'

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
/** How often a call looks whether another one has renewed the token. */
const lookMilliseconds = 50

export class KeptTokens {
  readonly #database: Database
  readonly #encryption: Encryption
  readonly #clock: () => number

  constructor(options: { database: Database; encryption: Encryption; clock: () => number }) {
    this.#database = options.database
    this.#encryption = options.encryption
    this.#clock = options.clock
  }

  async keep(identityId: string, tokens: ProviderTokens): Promise<void> {
    const row = this.#encrypt(tokens, identityId)
    // A provider that gives a refresh token only the first time must not lose it for us.
    await sql`insert into provider_tokens
        (identity_id, access_token_encrypted, refresh_token_encrypted, expires_at, scopes)
      values (${identityId}, ${row.access_token_encrypted}, ${row.refresh_token_encrypted},
        ${row.expires_at}, ${row.scopes})
      on conflict (identity_id) do update set
        access_token_encrypted = excluded.access_token_encrypted,
        refresh_token_encrypted =
          coalesce(excluded.refresh_token_encrypted, provider_tokens.refresh_token_encrypted),
        expires_at = excluded.expires_at,
        scopes = excluded.scopes,
        renewing_until = null`.execute(this.#database.kysely)
  }

  /**
   * Renews the token first if it has expired. A provider that rotates refresh tokens takes the second
   * use of one for theft: so the call that claims the row asks the provider, and all others, on any
   * server, wait for what comes of it.
   * @returns undefined if none is kept
   * @throws ProviderFailure when the token has expired and cannot be renewed
   */
  async read(provider: ProviderClient, identityId: string): Promise<ProviderTokens | undefined> {
    const giveUpAt = this.#clock() + exchangeTimeoutMilliseconds
    for (;;) {
      const row = await this.#find(identityId)
      if (!row) return undefined
      const kept = this.#decrypt(row, identityId)
      const { expiresAt, refreshToken } = kept
      const now = this.#clock()
      if (expiresAt === null || expiresAt > now + renewBeforeMilliseconds) return kept
      if (refreshToken === null) {
        if (expiresAt > now) return kept
        throw new ProviderFailure('The token has expired, and none came with it to renew it')
      }
      if (await this.#claim(identityId, row)) {
        return this.#renew(provider, identityId, row, refreshToken)
      }
      if (now > giveUpAt) throw new ProviderFailure('Another call is still renewing the token')
      await wait(lookMilliseconds)
    }
  }

  async #renew(
    provider: ProviderClient,
    identityId: string,
    row: Row,
    refreshToken: string,
  ): Promise<ProviderTokens | undefined> {
    try {
      const renewed = await provider.refresh(refreshToken)
      const { access_token_encrypted, refresh_token_encrypted, expires_at, scopes } = this.#encrypt(
        renewed,
        identityId,
      )
      const result = await sql`update provider_tokens set
          access_token_encrypted = ${access_token_encrypted},
          refresh_token_encrypted = ${refresh_token_encrypted},
          expires_at = ${expires_at}, scopes = ${scopes}, renewing_until = null
        where identity_id = ${identityId}
          and refresh_token_encrypted = ${row.refresh_token_encrypted}`.execute(
        this.#database.kysely,
      )
      if (result.numAffectedRows === 1n) return renewed
    } catch (error) {
      await sql`update provider_tokens set renewing_until = null
        where identity_id = ${identityId}
          and refresh_token_encrypted = ${row.refresh_token_encrypted}`.execute(
        this.#database.kysely,
      )
      throw error
    }
    // The user has signed in again, or unlinked the provider, in the meantime.
    const current = await this.#find(identityId)
    return current && this.#decrypt(current, identityId)
  }

  async #claim(identityId: string, row: Row): Promise<boolean> {
    const now = this.#clock()
    const result = await sql`update provider_tokens
      set renewing_until = cast(${now + exchangeTimeoutMilliseconds} as bigint)
      where identity_id = ${identityId}
        and refresh_token_encrypted = ${row.refresh_token_encrypted}
        and (renewing_until is null or renewing_until <= ${now})`.execute(this.#database.kysely)
    return result.numAffectedRows === 1n
  }

  async #find(identityId: string): Promise<Row | undefined> {
    const { rows } = await sql<Row>`select access_token_encrypted, refresh_token_encrypted,
        expires_at, scopes
      from provider_tokens where identity_id = ${identityId}`.execute(this.#database.kysely)
    return rows[0]
  }

  #encrypt({ accessToken, refreshToken, expiresAt, scopes }: ProviderTokens, label: string): Row {
    return {
      access_token_encrypted: this.#encryption.encrypt(accessToken, label),
      refresh_token_encrypted:
        refreshToken === null ? null : this.#encryption.encrypt(refreshToken, label),
      expires_at: expiresAt,
      scopes: scopes.join(' '),
    }
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
