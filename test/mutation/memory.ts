/** What the runs on this machine found, so that the page can be written from several of them. */
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Mutation } from './mutation.ts'
import type { Result } from './report.ts'

const root = join(import.meta.dirname, '../..')
const memoryFile = join(root, 'node_modules/.cache/mutations.json')

export function remember({ mutation, isKilled }: Result): void {
  mkdirSync(dirname(memoryFile), { recursive: true })
  writeFileSync(memoryFile, JSON.stringify({ ...readMemory(), [fingerprint(mutation)]: isKilled }))
}

/** @returns whether the mutation was killed; undefined if it has changed since, or its file, or its tests */
export function recall(mutation: Mutation): boolean | undefined {
  return readMemory()[fingerprint(mutation)]
}

function readMemory(): Record<string, boolean> {
  try {
    return JSON.parse(readFileSync(memoryFile, 'utf8')) as Record<string, boolean>
  } catch {
    return {}
  }
}

function fingerprint({ name, file, from, to, tests }: Mutation): string {
  const hash = createHash('sha256').update(JSON.stringify([name, file, from, to, tests]))
  for (const path of [file, ...tests]) hash.update(readFileSync(join(root, path)))
  return hash.digest('base64url')
}
