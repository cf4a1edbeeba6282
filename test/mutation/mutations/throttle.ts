import { inFile, type Mutation } from '../mutation.ts'

const throttle = inFile('src/core/throttle/throttle.ts', [
  'test/api/throttle-budgets.test.ts',
  'test/api/throttle-delays.test.ts',
  'test/api/throttle-store.test.ts',
  'test/api/throttle-flood.test.ts',
])

export const throttles: readonly Mutation[] = [
  throttle(
    'a refund lifts a block that other attempts have earned',
    'blocked_until = case when count <= ${limit} or blocked_until = ${blockedUntil}\n              then 0 else blocked_until end',
    'blocked_until = 0',
    { tests: ['test/api/throttle-budgets.test.ts'] },
  ),
  throttle(
    'a refund is taken from a window that began after the charge',
    'where key = ${key} and count > 0 and resets_at = ${resetsAt}',
    'where key = ${key} and count > 0',
  ),
  throttle('a refund does not count', 'count = count - 1', 'count = count - 0'),
  throttle(
    'one attempt more than the limit is free of delay',
    'return sql`case when ${count} < ${limit} then 0',
    'return sql`case when ${count} <= ${limit} then 0',
  ),
  throttle(
    'the delay does not grow',
    'firstDelayMilliseconds * 2 ** step',
    'firstDelayMilliseconds * 1 ** step',
  ),
  throttle(
    'an attempt during a block is made',
    "where ${isOver('blocked_until', now, longestDelayMilliseconds)}\n    returning",
    'where true\n    returning',
  ),
  throttle(
    'a block that a wrong clock wrote lasts for years',
    'or ${moment} > ${now + implausibleFactor * longest})`',
    'or ${moment} > ${now + 1e6 * longest})`',
    { tests: ['test/api/clocks.test.ts'] },
  ),
  throttle(
    'blocks are remembered long after another instance has lifted them',
    'const blockMemoryMilliseconds = 5000',
    'const blockMemoryMilliseconds = 5_000_000',
  ),
  throttle(
    'counters that are still needed are swept',
    'select key from attempt_counters where ${hasPassed} limit',
    'select key from attempt_counters limit',
    { survives: 'The outer condition is the same: the inner one only bounds the batch.' },
  ),
  throttle(
    'a block of one budget leaves the charges of the others in place',
    'if (!rows[0]) throw new BlockedError()',
    'if (!rows[0]) return { ...counter, blockedUntil: 0, resetsAt: 0 }',
  ),
]
