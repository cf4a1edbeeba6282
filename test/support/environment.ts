/** The environment that vitest's own processes, and those that tests start, have in common. */
import { chmodSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { removeFolder } from './remove-folder.ts'

/** The code of libraries, compiled: a worker thread that hashes passwords starts in half the time. */
export const compileCache = join(import.meta.dirname, '../../node_modules/.cache/compile')

export function prepareEnvironment(): void {
  process.env['NODE_COMPILE_CACHE'] = compileCache
  process.env['TMPDIR'] = makeTemporaryRoot()
}

/**
 * A folder that stands in for the system's temporary one. It is removed when this process ends, with whatever tests,
 * and servers that they have killed, have left in it.
 */
function makeTemporaryRoot(): string {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-tests-'))
  // Root runs PostgreSQL as another user, who has to get through.
  chmodSync(folder, 0o711)
  process.once('exit', () => removeFolder(folder))
  return folder
}
