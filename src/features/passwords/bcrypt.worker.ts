/** Runs in a worker thread: bcryptjs's synchronous functions, where they stall no one. */
import { randomBytes } from 'node:crypto'
import { setPriority } from 'node:os'
import { compareSync, encodeBase64, genSaltSync, hashSync } from 'bcryptjs'

export type HashingTask =
  | { readonly kind: 'hash'; readonly password: string; readonly cost: number }
  | {
      readonly kind: 'verify'
      readonly password: string
      /** Undefined if there is nothing to compare with: the work is done all the same. */
      readonly hash: string | undefined
      /** What a wrong response must at least have cost. */
      readonly cost: number
      /** What is hashed if the password is right. */
      readonly newPassword?: string
    }

export type QueuedTask = HashingTask & {
  /** Later its client may be gone, and it is not done at all. By the clock of `HashingResult.startedAt`. */
  readonly startBy: number
}

/**
 * On one core the event loop gets three quarters of it if it needs them, and hashing a quarter: a lower
 * priority (10 gives a tenth) would let requests that cost the client nothing stop all sign-ins.
 */
const niceness = 5
// On Linux the priority is the thread's own.
if (process.platform === 'linux') setPriority(0, niceness)

export interface HashingResult {
  /** Absent if it was too late. */
  readonly value?: string | boolean
  /** When a thread took the task up: milliseconds since the epoch, by a clock that only goes forward. */
  readonly startedAt: number
}

export default function run(task: QueuedTask): HashingResult {
  const startedAt = performance.timeOrigin + performance.now()
  if (startedAt > task.startBy) return { startedAt }
  return { value: work(task), startedAt }
}

function work(task: HashingTask): string | boolean {
  if (task.kind === 'hash') return hashSync(task.password, task.cost)
  const { password, hash, cost, newPassword } = task
  const isRight = verify(password, hash, cost)
  return isRight && newPassword !== undefined ? hashSync(newPassword, cost) : isRight
}

function verify(password: string, hash: string | undefined, cost: number): boolean {
  if (hash !== undefined && compareSync(password, hash)) return true
  for (const missing of missingCosts(hash, cost)) compareSync(password, hashLike(missing))
  return false
}

/**
 * The costs of what is still to be hashed before a refusal: neither a missing hash nor a cheap one
 * must reveal by its speed what there is of the account. Costs are powers of two, so one more hash of
 * each from the stored one up makes the sum exact.
 */
export function missingCosts(hash: string | undefined, cost: number): number[] {
  if (hash === undefined) return [cost]
  const stored = Number(hash.slice(4, 6))
  return Array.from({ length: Math.max(0, cost - stored) }, (_, step) => stored + step)
}

/** A well-formed hash that no password has, in all likelihood. */
function hashLike(cost: number): string {
  return genSaltSync(cost) + encodeBase64(randomBytes(23), 23)
}
