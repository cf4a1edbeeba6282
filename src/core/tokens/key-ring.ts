/**
 * The signing keys: one is next (published, so that verifiers know it in time), one is current
 * (signs), the rest are retired (verify until the last token that they signed has expired).
 */
import { randomBytes } from 'node:crypto'
import {
  exportJWK,
  generateKeyPair,
  importJWK,
  type CryptoKey,
  type JSONWebKeySet,
  type JWK,
} from 'jose'
import { sql, type Kysely } from 'kysely'
import type { Database } from '../../database/database.ts'
import { DecryptionError, type DerivedKeys } from './derived-keys.ts'
import { SigningKey, type KeyState } from './signing-key.entity.ts'

/** RFC 7518 and RFC 8037 names. */
export type Algorithm = 'EdDSA' | 'ES256' | 'RS256'

export interface VerificationKey {
  readonly algorithm: string
  readonly publicKey: CryptoKey
}

/** The key that signs. */
export interface CurrentKey {
  readonly kid: string
  readonly algorithm: string
  readonly privateKey: CryptoKey
}

interface Ring {
  readonly current: CurrentKey
  readonly byKid: ReadonlyMap<string, VerificationKey>
  readonly jwks: JSONWebKeySet
  readonly loadedAt: number
}

/** A line of `npm run keys -- list`; times in milliseconds since the epoch. */
export interface KeyDescription {
  readonly kid: string
  readonly algorithm: string
  readonly state: KeyState
  readonly createdAt: number
  readonly currentSince: number | null
  readonly removableAt: number | null
}

/** The stored keys were encrypted under another APP_SECRET. */
export class KeyRingLockedError extends Error {
  override name = 'KeyRingLockedError'
}

export interface KeyRingOptions {
  readonly database: Database
  readonly derivedKeys: DerivedKeys
  readonly clock: () => number
  readonly algorithm: Algorithm
  readonly rotationSeconds: number
  /** A file with a secret that is not in use: what the keys may have been encrypted under. */
  readonly unusedSecretFile?: string | undefined
}

/**
 * How long anyone may use a copy of the JWKS. Well below the hour for which a key is published, at the
 * least, before it signs (KEY_ROTATION_INTERVAL).
 */
export const jwksMaxAgeSeconds = 300
/** However many tokens with an unknown `kid` arrive, the database is asked at most this often. */
const reloadCooldownMilliseconds = 3000
/** How long another process may continue signing with a key after it was retired. */
const staleAfterMilliseconds = 10_000
/**
 * The most that the configuration allows an access token to live. What this process is configured to
 * does not count: it may be an operator's command, and tokens may come from before a restart.
 */
const longestTokenLifetimeMilliseconds = 86_400_000
/** Added to a retired key's life, for processes that have yet to notice and for their clocks. */
const retirementMarginMilliseconds = 60_000

export class KeyRing {
  readonly #options: KeyRingOptions
  #ring: Ring | undefined
  #loading: Promise<Ring> | undefined
  #lastLookupAt = Number.NEGATIVE_INFINITY
  /** Changes whenever the set of keys does: what was concluded under an older one is to be forgotten. */
  generation = 0

  constructor(options: KeyRingOptions) {
    this.#options = options
  }

  /**
   * Makes the first keys if there are none, and a new one if another algorithm is configured.
   * @throws KeyRingLockedError when the stored keys cannot be decrypted
   */
  async start(): Promise<void> {
    const { algorithm, database } = this.#options
    const stored = await this.list()
    const current = stored.find((key) => key.state === 'current')
    if (current) {
      // Proves the secret first: what is written under another one locks out everyone else.
      await this.#load()
      if (current.algorithm !== algorithm) {
        await this.#replace(current.kid, await this.#generate('current'))
      }
    } else {
      // The first one wins; the index on `state` turns the others away.
      await this.#insert(database.kysely, await this.#generate('current'))
    }
    if (!stored.some((key) => key.state === 'next' && key.algorithm === algorithm)) {
      await this.#insert(database.kysely, await this.#generate('next'))
    }
    await this.#load()
  }

  /** The key to sign with. */
  async current(): Promise<CurrentKey> {
    const ring = this.#ring
    // A clock that was set back must not keep it fresh.
    const isFresh = ring && Math.abs(this.#options.clock() - ring.loadedAt) < staleAfterMilliseconds
    if (isFresh) return ring.current
    return (await this.#load()).current
  }

  /** The key that a token names; an unknown name makes the ring look once more, at most every few seconds. */
  async find(kid: string): Promise<VerificationKey | undefined> {
    const known = this.#ring?.byKid.get(kid)
    if (known) return known
    const now = this.#options.clock()
    if (this.#loading) return (await this.#loading).byKid.get(kid)
    if (Math.abs(now - this.#lastLookupAt) < reloadCooldownMilliseconds) return undefined
    this.#lastLookupAt = now
    return (await this.#load()).byKid.get(kid)
  }

  /**
   * RFC 7517, public members only. If the keys cannot be read again, those that are known: tokens
   * that were signed with them continue being verified while the database is away.
   */
  async jwks(): Promise<JSONWebKeySet> {
    try {
      await this.current()
    } catch (error) {
      if (!this.#ring) throw error
    }
    return this.#ring!.jwks
  }

  /**
   * Next becomes current, current retired, and a new next is made. Two at once rotate once.
   * @param dueKid the key that has to be retired, if it is still the current one; by default any
   */
  async rotate(dueKid?: string): Promise<void> {
    const stored = await this.list()
    const current = stored.find(
      ({ kid, state }) => state === 'current' && (dueKid === undefined || kid === dueKid),
    )
    const hasNext = stored.some(
      (key) => key.state === 'next' && key.algorithm === this.#options.algorithm,
    )
    if (current && hasNext) {
      // As in start: the secret is proven before anything is written.
      await this.#load()
      await this.#replace(current.kid, await this.#generate('next'))
    }
    await this.start()
  }

  /** Rotates when the current key is old enough, and removes keys that no valid token needs. */
  async maintain(): Promise<void> {
    const { clock, database, rotationSeconds } = this.#options
    await sql`delete from signing_keys where state = 'retired' and removable_at <= ${clock()}`.execute(
      database.kysely,
    )
    const current = (await this.list()).find((key) => key.state === 'current')
    if (current && clock() - (current.currentSince ?? 0) >= rotationSeconds * 1000) {
      // Another instance may have rotated since the list was read: its new key is not due.
      await this.rotate(current.kid)
    } else {
      await this.#load()
    }
  }

  /** Every key, newest first, without its halves. */
  async list(): Promise<KeyDescription[]> {
    const keys = await this.#options.database.em
      .fork()
      .find(SigningKey, {}, { orderBy: { createdAt: 'desc', kid: 'asc' } })
    return keys.map(({ kid, algorithm, state, createdAt, currentSince, removableAt }) => ({
      kid,
      algorithm,
      state,
      createdAt,
      currentSince: currentSince ?? null,
      removableAt: removableAt ?? null,
    }))
  }

  /**
   * Forgets every key and makes new ones: the way out when APP_SECRET is lost. Every access token
   * becomes invalid; sessions must be ended with it, since their refresh tokens are lost as well.
   */
  async reset(): Promise<void> {
    await sql`delete from signing_keys`.execute(this.#options.database.kysely)
    await this.start()
  }

  async #load(): Promise<Ring> {
    this.#loading ??= this.#read().finally(() => (this.#loading = undefined))
    return this.#loading
  }

  async #read(): Promise<Ring> {
    const { clock, database } = this.#options
    const loadedAt = clock()
    const rows = (
      await database.em.fork().find(SigningKey, {}, { orderBy: { createdAt: 'desc' } })
    ).filter((key) => key.removableAt == null || key.removableAt > loadedAt)
    const currentRow = rows.find((key) => key.state === 'current')
    if (!currentRow) throw new Error('There is no current signing key')
    const unchanged =
      this.#ring?.current.kid === currentRow.kid &&
      this.#ring.byKid.size === rows.length &&
      rows.every((key) => this.#ring?.byKid.has(key.kid))
    if (unchanged) {
      this.#ring = { ...this.#ring!, loadedAt }
      return this.#ring
    }
    const byKid = new Map<string, VerificationKey>()
    const keys: JWK[] = []
    for (const { kid, algorithm, publicKey } of rows) {
      const jwk = JSON.parse(publicKey) as JWK
      byKid.set(kid, { algorithm, publicKey: (await importJWK(jwk, algorithm)) as CryptoKey })
      keys.push({ ...jwk, kid, alg: algorithm, use: 'sig' })
    }
    const privateKey = await decryptPrivateKey(currentRow, this.#options)
    this.#ring = {
      current: { kid: currentRow.kid, algorithm: currentRow.algorithm, privateKey },
      byKid,
      jwks: { keys },
      loadedAt,
    }
    this.generation += 1
    return this.#ring
  }

  async #generate(state: KeyState): Promise<SigningKey> {
    const { algorithm, clock, derivedKeys } = this.#options
    const pair = await generateKeyPair(algorithm, { extractable: true, modulusLength: 3072 })
    const key = new SigningKey()
    key.kid = randomBytes(12).toString('base64url')
    key.algorithm = algorithm
    key.publicKey = JSON.stringify(await exportJWK(pair.publicKey))
    key.privateKeyEncrypted = derivedKeys.encrypt(
      JSON.stringify(await exportJWK(pair.privateKey)),
      key.kid,
    )
    key.state = state
    key.createdAt = clock()
    key.currentSince = state === 'current' ? key.createdAt : null
    key.removableAt = null
    return key
  }

  async #insert(kysely: Kysely<unknown>, key: SigningKey): Promise<void> {
    await sql`insert into signing_keys
        (kid, algorithm, public_key, private_key_encrypted, state, created_at, current_since, removable_at)
      values (${key.kid}, ${key.algorithm}, ${key.publicKey}, ${key.privateKeyEncrypted}, ${key.state},
        ${key.createdAt}, ${key.currentSince}, ${key.removableAt})
      on conflict do nothing`.execute(kysely)
  }

  /** Retires the current key, unless someone else has; then brings in the stored next or the given key. */
  async #replace(currentKid: string, incoming: SigningKey): Promise<void> {
    const { algorithm, clock, database } = this.#options
    const now = clock()
    const removableAt = now + longestTokenLifetimeMilliseconds + retirementMarginMilliseconds
    await database.em.fork().transactional(async (em) => {
      const kysely = em.getKysely() as Kysely<unknown>
      const retired = await sql`update signing_keys
        set state = 'retired', removable_at = ${removableAt}
        where kid = ${currentKid} and state = 'current'`.execute(kysely)
      if (retired.numAffectedRows !== 1n) return
      if (incoming.state === 'next') {
        await sql`update signing_keys set state = 'current', current_since = ${now}
          where state = 'next' and algorithm = ${algorithm}`.execute(kysely)
      } else {
        await sql`delete from signing_keys where state = 'next'`.execute(kysely)
      }
      await this.#insert(kysely, incoming)
    })
  }
}

async function decryptPrivateKey(
  key: SigningKey,
  { derivedKeys, unusedSecretFile }: KeyRingOptions,
): Promise<CryptoKey> {
  try {
    const jwk = JSON.parse(derivedKeys.decrypt(key.privateKeyEncrypted, key.kid)) as JWK
    return (await importJWK(jwk, key.algorithm)) as CryptoKey
  } catch (error) {
    if (!(error instanceof DecryptionError)) throw error
    const remedy =
      unusedSecretFile === undefined
        ? ' Restore that secret.'
        : `\nSet APP_SECRET to the text of ${unusedSecretFile}, or unset it.`
    throw new KeyRingLockedError(
      `The signing keys in the database were encrypted under another APP_SECRET.${remedy}\n` +
        'If it is lost for good: `npm run keys -- reset` makes new keys. Accounts and passwords stay;\n' +
        'all users have to sign in again.',
      { cause: error },
    )
  }
}
