/** Flows between their two halves: kept under a digest, used once, gone after ten minutes. */
import { createHash, randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import type { Database } from '../../database/database.ts'
import type { FlowSecrets, ProviderClient } from './provider-client.ts'

export enum FlowPurpose {
  SIGN_IN = 'SIGN_IN',
  REAUTHENTICATE = 'REAUTHENTICATE',
}

export interface Flow extends FlowSecrets {
  readonly purpose: FlowPurpose
  /** Milliseconds since the epoch. */
  readonly startedAt: number
  readonly redirectUri: string
  /** Who was signed in when it started. */
  readonly userId: string | null
  /** What the provider called the user in a response that it posted. */
  readonly name: string | null
}

/** A flow that started with one issuer says nothing to another one that has its id meanwhile. */
type FlowProvider = Pick<ProviderClient, 'id' | 'issuer'>

export interface StartedFlow extends Flow {
  readonly flowToken: string
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
}

const lifetimeMilliseconds = 10 * 60 * 1000
/** However many start and never come back, the table stays this small. */
export const maximumFlows = 20_000
/** Removed at once to make room, so that a flood does not pay for it each time. */
const evictedFlows = 200
const secretBytes = 32

export class FlowStore {
  readonly #database: Database
  readonly #clock: () => number

  constructor(options: { database: Database; clock: () => number }) {
    this.#database = options.database
    this.#clock = options.clock
  }

  /** A flow with fresh secrets, not yet kept. */
  create(redirectUri: string, userId: string | null, purpose: FlowPurpose): StartedFlow {
    const startedAt = this.#clock()
    return {
      flowToken: secret(),
      state: secret(),
      nonce: secret(),
      codeVerifier: secret(),
      redirectUri,
      userId,
      name: null,
      purpose,
      startedAt,
      expiresAt: startedAt + lifetimeMilliseconds,
    }
  }

  /**
   * Keeps a flow. If there is no room, the oldest flows of the network that has the most give way.
   * @param network of the client
   * @returns false if others have taken the room at the same time
   */
  async keep(provider: FlowProvider, flow: StartedFlow, network: string): Promise<boolean> {
    const { kysely } = this.#database
    const insert = async () => {
      const result = await sql`insert into provider_flows
          (token_hash, provider, issuer, state_hash, nonce, code_verifier, redirect_uri, user_id, network,
            purpose, expires_at)
        select ${digest(flow.flowToken)}, ${provider.id}, ${provider.issuer}, ${digest(flow.state)}, ${flow.nonce},
          ${flow.codeVerifier}, ${flow.redirectUri}, ${userIdOf(flow, this.#database.engine)},
          ${network}, cast(${flow.purpose} as varchar(32)), cast(${flow.expiresAt} as bigint)
        where (select count(*) from provider_flows) < ${maximumFlows}`.execute(kysely)
      return result.numAffectedRows === 1n
    }
    if (await insert()) return true
    if ((await this.sweep(maximumFlows)) === 0) await this.#evict()
    return insert()
  }

  async #evict(): Promise<void> {
    await sql`delete from provider_flows where token_hash in (
      select token_hash from provider_flows
      where network = (select network from provider_flows group by network
        order by count(*) desc, min(expires_at) limit 1)
      order by expires_at limit ${evictedFlows})`.execute(this.#database.kysely)
  }

  /**
   * Takes the flow out: of any number of calls with the same token and state one gets it. Of a flow that
   * was started for something else nothing is found, and it stays.
   */
  async take(
    provider: FlowProvider,
    { flowToken, state }: { readonly flowToken: string; readonly state: string },
    purpose: FlowPurpose,
  ): Promise<Flow | undefined> {
    const { rows } = await sql<{
      nonce: string
      code_verifier: string
      redirect_uri: string
      user_id: string | null
      name: string | null
      expires_at: number | string
    }>`delete from provider_flows
      where token_hash = ${digest(flowToken)} and provider = ${provider.id}
        and (issuer is null or issuer = ${provider.issuer})
        and state_hash = ${digest(state)} and purpose = ${purpose}
        and expires_at > ${this.#clock()}
      returning nonce, code_verifier, redirect_uri, user_id, name, expires_at`.execute(
      this.#database.kysely,
    )
    const row = rows[0]
    return (
      row && {
        state,
        nonce: row.nonce,
        codeVerifier: row.code_verifier,
        redirectUri: row.redirect_uri,
        userId: row.user_id,
        name: row.name,
        purpose,
        startedAt: Number(row.expires_at) - lifetimeMilliseconds,
      }
    )
  }

  /** Where the response to a flow of this provider goes, for one that the provider posts to the server. */
  async redirectUriOf(provider: string, state: string): Promise<string | undefined> {
    const { rows } = await sql<{ redirect_uri: string }>`select redirect_uri from provider_flows
      where state_hash = ${digest(state)} and provider = ${provider}
        and expires_at > ${this.#clock()}`.execute(this.#database.kysely)
    return rows[0]?.redirect_uri
  }

  /** Keeps the name of a posted response with its flow, until the flow is taken. */
  async keepName(provider: string, state: string, name: string): Promise<void> {
    await sql`update provider_flows set name = ${name}
      where state_hash = ${digest(state)} and provider = ${provider}`.execute(this.#database.kysely)
  }

  /**
   * Removes flows that never came back.
   * @param limit the most to remove at once
   * @returns how many it removed
   */
  async sweep(limit: number): Promise<number> {
    const result = await sql`delete from provider_flows where token_hash in (
      select token_hash from provider_flows where expires_at <= ${this.#clock()}
      limit ${limit})`.execute(this.#database.kysely)
    return Number(result.numAffectedRows)
  }
}

/** A parameter in a select list has no type of its own in PostgreSQL. */
function userIdOf(flow: Flow, engine: Database['engine']) {
  return engine === 'postgresql' ? sql`cast(${flow.userId} as uuid)` : sql`${flow.userId}`
}

function secret(): string {
  return randomBytes(secretBytes).toString('base64url')
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64url')
}
