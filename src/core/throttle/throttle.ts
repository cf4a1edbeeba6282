/**
 * How often something may be tried. An attempt is charged before it is made and given back when it
 * succeeds, so guesses made in parallel cannot slip past; beyond the limit delays grow.
 */
import { createHash } from 'node:crypto'
import { sql, type Kysely, type RawBuilder } from 'kysely'
import type { Database } from '../../database/database.ts'
import { AppError, ErrorCode } from '../errors.ts'

/** What attempts are counted by, and how many are free. */
export interface Budget {
  /** Names the budget; part of the counter's key. */
  readonly name: string
  /** What is counted: an address, an account, or both. */
  readonly subject: string
  /** Attempts in a window before delays start. */
  readonly limit: number
  /** The budget is not charged if this subject is trusted. */
  readonly unlessTrusted?: string
}

/** A charge that was accepted. */
export interface Charge {
  /**
   * The attempt succeeded: it no longer counts.
   * @param names of the budgets that get it back; all of them if none is named
   */
  refund(...names: string[]): Promise<void>
}

const windowMilliseconds = 60 * 60 * 1000
/** The delay after the limit's last attempt; it doubles with each further one. */
const firstDelayMilliseconds = 15_000
/** No block lasts longer, so no one can lock another user out for good. */
const longestDelayMilliseconds = 15 * 60 * 1000
/**
 * A time further ahead than this many times the longest duration was written under a wrong clock and counts
 * as expired. There is some tolerance, since the clocks of two instances may differ.
 */
const implausibleFactor = 2
/** Doublings until the longest delay is reached. */
const doublings = Math.ceil(Math.log2(longestDelayMilliseconds / firstDelayMilliseconds))
/** After which the database is asked again: another instance may have given the attempt back. */
const blockMemoryMilliseconds = 5000
const familiarityMilliseconds = 90 * 24 * 60 * 60 * 1000

export interface ThrottleOptions {
  readonly database: Database
  /** Milliseconds since the epoch. */
  readonly clock: () => number
  readonly isEnabled: boolean
  /** Blocks that are kept in memory, so that a blocked attempt costs no statement. */
  readonly rememberedBlocks?: number
}

export class Throttle {
  readonly #database: Database
  readonly #clock: () => number
  readonly #isEnabled: boolean
  readonly #rememberedBlocks: number
  readonly #blocks = new Map<string, { readonly until: number; readonly readAt: number }>()

  constructor(options: ThrottleOptions) {
    this.#database = options.database
    this.#clock = options.clock
    this.#isEnabled = options.isEnabled
    this.#rememberedBlocks = options.rememberedBlocks ?? 10_000
  }

  /**
   * Charges one attempt to each budget, or to none.
   * @throws AppError RATE_LIMITED with the seconds until an attempt can be accepted
   */
  async charge(budgets: readonly Budget[]): Promise<Charge> {
    if (!this.#isEnabled) return { refund: async () => {} }
    const now = this.#clock()
    // First what is known without asking the database.
    this.#refuseBlocked(
      budgets.filter((budget) => budget.unlessTrusted === undefined),
      now,
    )
    const applicable = []
    for (const budget of budgets) {
      const { unlessTrusted } = budget
      if (unlessTrusted === undefined || !(await this.#isTrusted(unlessTrusted))) {
        applicable.push(budget)
      }
    }
    this.#refuseBlocked(applicable, now)

    const counters = applicable
      .map((budget) => ({ name: budget.name, key: counterKey(budget), limit: budget.limit }))
      // In one order everywhere, so that two transactions cannot wait for each other's rows.
      .toSorted((one, other) => (one.key < other.key ? -1 : 1))
    try {
      const charged = await this.#database.em.fork().transactional(async (em) => {
        const kysely = em.getKysely() as Kysely<unknown>
        const list: ChargedCounter[] = []
        for (const counter of counters) list.push(await chargeOne(kysely, counter, now))
        return list
      })
      return {
        refund: (...names) =>
          this.#refund(charged.filter(({ name }) => names.length === 0 || names.includes(name))),
      }
    } catch (error) {
      if (!(error instanceof BlockedError)) throw error
      throw rateLimited((await this.#readBlocks(counters)) - now)
    }
  }

  /** The subject has proven itself: budgets that are for strangers no longer apply to it. */
  async trust(subject: string): Promise<void> {
    if (!this.#isEnabled || (await this.#isTrusted(subject))) return
    const key = counterKey({ name: 'familiar', subject })
    await sql`insert into attempt_counters (key, count, blocked_until, resets_at)
      values (${key}, 0, 0, ${this.#clock() + familiarityMilliseconds})
      on conflict (key) do update set resets_at = excluded.resets_at`.execute(this.#database.kysely)
  }

  /** Removes counters, and the trust in subjects (`familiar` in the keys), that no longer mean anything. */
  async forget(counters: readonly Pick<Budget, 'name' | 'subject'>[]): Promise<void> {
    // One at a time: a transaction that held several could wait for one that charges them.
    for (const key of counters.map((counter) => counterKey(counter))) {
      await sql`delete from attempt_counters where key = ${key}`.execute(this.#database.kysely)
      this.#blocks.delete(key)
    }
  }

  /**
   * Removes counters whose window has passed.
   * @param limit the most to remove at once
   * @returns how many it removed
   */
  async sweep(limit: number): Promise<number> {
    const now = this.#clock()
    for (const key of this.#blocks.keys()) {
      if (this.#rememberedUntil(key, now) === 0) this.#blocks.delete(key)
    }
    const hasPassed = sql`${isOver('resets_at', now, familiarityMilliseconds)}
      and ${isOver('blocked_until', now, longestDelayMilliseconds)}`
    const result = await sql`delete from attempt_counters where ${hasPassed} and key in (
      select key from attempt_counters where ${hasPassed} limit ${limit})`.execute(
      this.#database.kysely,
    )
    return Number(result.numAffectedRows)
  }

  async #isTrusted(subject: string): Promise<boolean> {
    const key = counterKey({ name: 'familiar', subject })
    const { rows } = await sql`select 1 from attempt_counters where key = ${key}
      and not ${isOver('resets_at', this.#clock(), familiarityMilliseconds)}`.execute(
      this.#database.kysely,
    )
    return rows.length > 0
  }

  #refuseBlocked(budgets: readonly Budget[], now: number): void {
    const until = Math.max(
      0,
      ...budgets.map((budget) => this.#rememberedUntil(counterKey(budget), now)),
    )
    if (until > now) throw rateLimited(until - now)
  }

  /** @returns 0 if the database has to be asked */
  #rememberedUntil(key: string, now: number): number {
    const block = this.#blocks.get(key)
    const isFresh = block && Math.abs(now - block.readAt) < blockMemoryMilliseconds
    return isFresh && block.until > now ? block.until : 0
  }

  /** @returns when the last of the blocks ends */
  async #readBlocks(counters: readonly Counter[]): Promise<number> {
    const keys = sql.join(counters.map(({ key }) => sql`${key}`))
    const readAt = this.#clock()
    const { rows } = await sql<{ key: string; blocked_until: number | string }>`
      select key, blocked_until from attempt_counters where key in (${keys})
        and not ${isOver('blocked_until', readAt, longestDelayMilliseconds)}`.execute(
      this.#database.kysely,
    )
    const blocks = rows.map((row) => ({ key: row.key, until: Number(row.blocked_until) }))
    for (const { key, until } of blocks) {
      // Again at the end, as the newest.
      this.#blocks.delete(key)
      if (this.#blocks.size >= this.#rememberedBlocks) {
        this.#blocks.delete(this.#blocks.keys().next().value!)
      }
      this.#blocks.set(key, { until, readAt })
    }
    return Math.max(0, ...blocks.map(({ until }) => until))
  }

  /** Leaves the counters as if the charge had not been made; what others did since stays. */
  async #refund(counters: readonly ChargedCounter[]): Promise<void> {
    await this.#database.em.fork().transactional(async (em) => {
      const kysely = em.getKysely() as Kysely<unknown>
      for (const { key, limit, blockedUntil, resetsAt } of counters) {
        // If counting started again meanwhile, the charge is forgotten already.
        await sql`update attempt_counters set
            blocked_until = case when count <= ${limit} or blocked_until = ${blockedUntil}
              then 0 else blocked_until end,
            count = count - 1
          where key = ${key} and count > 0 and resets_at = ${resetsAt}`.execute(kysely)
      }
    })
    for (const { key } of counters) this.#blocks.delete(key)
  }
}

interface Counter {
  /** The budget's. */
  readonly name: string
  readonly key: string
  readonly limit: number
}

/** A counter with what the charge has made of it. */
interface ChargedCounter extends Counter {
  readonly blockedUntil: number
  readonly resetsAt: number
}

/** Undoes the charges made so far in the same transaction. */
class BlockedError extends Error {}

/**
 * One statement decides: a row that is blocked is not touched, and none comes back.
 * @throws BlockedError
 */
async function chargeOne(
  kysely: Kysely<unknown>,
  counter: Counter,
  now: number,
): Promise<ChargedCounter> {
  const { key, limit } = counter
  const isWindowOver = isOver('resets_at', now, windowMilliseconds)
  const count = sql`(case when ${isWindowOver} then 1 else attempt_counters.count + 1 end)`
  const { rows } = await sql<{ blocked_until: number | string; resets_at: number | string }>`
    insert into attempt_counters (key, count, blocked_until, resets_at)
    values (${key}, 1, ${limit <= 1 ? now + firstDelayMilliseconds : 0}, ${now + windowMilliseconds})
    on conflict (key) do update set
      count = ${count},
      blocked_until = ${blockAfter(count, limit, now)},
      resets_at = case when ${isWindowOver}
        then excluded.resets_at else attempt_counters.resets_at end
    where ${isOver('blocked_until', now, longestDelayMilliseconds)}
    returning blocked_until, resets_at`.execute(kysely)
  if (!rows[0]) throw new BlockedError()
  return {
    ...counter,
    blockedUntil: Number(rows[0].blocked_until),
    resetsAt: Number(rows[0].resets_at),
  }
}

/** True if the time has passed, or is implausibly far in the future. */
function isOver(column: 'blocked_until' | 'resets_at', now: number, longest: number) {
  const moment = sql.ref(`attempt_counters.${column}`)
  return sql`(${moment} <= ${now} or ${moment} > ${now + implausibleFactor * longest})`
}

/** The end of the block that the n-th attempt brings: none within the limit, then 15 s, 30 s, … 15 min. */
function blockAfter(count: RawBuilder<unknown>, limit: number, now: number) {
  const steps = Array.from({ length: doublings }, (_, step) => {
    const until = now + firstDelayMilliseconds * 2 ** step
    return sql`when ${count} <= ${limit + step} then cast(${until} as bigint)`
  })
  return sql`case when ${count} < ${limit} then 0 ${sql.join(steps, sql` `)}
    else cast(${now + longestDelayMilliseconds} as bigint) end`
}

function counterKey({ name, subject }: Pick<Budget, 'name' | 'subject'>): string {
  return `${name}:${createHash('sha256').update(subject).digest('base64url')}`
}

function rateLimited(milliseconds: number): AppError {
  return new AppError(ErrorCode.RATE_LIMITED, 'Too many attempts. Try again later.', {
    retryAfter: Math.max(1, Math.ceil(milliseconds / 1000)),
  })
}
