/** A disk of a few megabytes, which tests can fill. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findProgram } from './programs.ts'

/** Takes root, on Linux, and not in every container. */
export function canMountSmallDisk(): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false
  if (findProgram('mount') === undefined || findProgram('umount') === undefined) return false
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-mount-'))
  try {
    const options = ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder]
    if (spawnSync('mount', options).status !== 0) return false
    return spawnSync('umount', [folder]).status === 0
  } finally {
    rmdirSync(folder)
  }
}
