/** What the runs on this machine found, so that the page can be written from several of them. */
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Mutation } from './mutation.ts'
import type { Result } from './report.ts'

interface Finding {
  readonly isKilled: boolean
  /** The test files that the finding depends on: the one that failed, or all of them. */
  readonly tests: readonly string[]
  readonly digest: string
}

const root = join(import.meta.dirname, '../..')
const memoryFile = join(root, 'node_modules/.cache/mutations.json')

export function remember({ mutation, isKilled, failed }: Result): void {
  const killer = mutation.tests.find((path) => failed?.includes(path))
  const tests = killer === undefined ? mutation.tests : [killer]
  const finding: Finding = { isKilled, tests, digest: digestOf(mutation, tests) }
  mkdirSync(dirname(memoryFile), { recursive: true })
  writeFileSync(memoryFile, JSON.stringify({ ...readMemory(), [mutation.name]: finding }, null, 2))
}

/**
 * @returns whether the mutation was killed; undefined if it has changed since, or its file, or the test that killed it,
 * or any of its tests if it survived
 */
export function recall(mutation: Mutation): boolean | undefined {
  const finding = readMemory()[mutation.name]
  if (!finding) return undefined
  const tests = finding.isKilled ? finding.tests : mutation.tests
  if (!tests.every((path) => mutation.tests.includes(path))) return undefined
  return finding.digest === digestOf(mutation, tests) ? finding.isKilled : undefined
}

function readMemory(): Record<string, Finding> {
  try {
    return JSON.parse(readFileSync(memoryFile, 'utf8')) as Record<string, Finding>
  } catch {
    return {}
  }
}

function digestOf({ file, from, to }: Mutation, tests: readonly string[]): string {
  const hash = createHash('sha256').update(JSON.stringify([file, from, to, tests]))
  for (const path of [file, ...tests]) hash.update(readFileSync(join(root, path)))
  return hash.digest('base64url')
}
