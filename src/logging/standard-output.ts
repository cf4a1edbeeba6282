/** Lines written to standard output, together and without waiting for their reader. */
import { writeSync } from 'node:fs'

const gatheringMilliseconds = 20
const gatheredCharacters = 64 * 1024
/** How much is kept while it cannot be written. */
const keptBytes = 1024 * 1024
/** How long the end of the process waits for a reader: a stop that is forced has little time. */
const lastWaitMilliseconds = 400

export interface StandardOutput {
  write(line: string): void
  /** pino calls it after a fatal entry. */
  flushSync(): void
}

/**
 * Standard output for a log. Lines that come within a moment are written together: a write costs as much
 * as a tenth of a request. A process that is killed loses that moment. A process that ends, or logs a
 * fatal entry, loses nothing, unless no one reads for a while.
 *
 * pino's own destination does not end while the disk is full or no one reads: its `flushSync` tries again
 * forever. Here lines that cannot be written are kept, up to a size, and lost beyond it.
 *
 * @param entryOfLost the line that reports how many lines were lost
 */
export function standardOutput(entryOfLost: (lines: number) => string): StandardOutput {
  // This also makes Node open the stream, so that a write to a full pipe fails instead of blocking.
  process.stdout.on('error', () => {})
  let pending = ''
  let unwritten: Buffer = Buffer.alloc(0)
  let lostLines = 0
  let timer: NodeJS.Timeout | undefined

  const flushSoon = () => (timer ??= setTimeout(flush, gatheringMilliseconds).unref())
  const keepPending = () => {
    const text = (lostLines > 0 ? entryOfLost(lostLines) : '') + pending
    unwritten = Buffer.concat([unwritten, Buffer.from(text)])
    lostLines = 0
  }
  const flush = () => {
    clearTimeout(timer)
    timer = undefined
    if (unwritten.length < keptBytes) keepPending()
    else lostLines += pending.split('\n').length - 1
    pending = ''
    unwritten = writeWithin(unwritten, 0)
    if (unwritten.length > 0 || lostLines > 0) flushSoon()
  }
  const flushSync = () => {
    keepPending()
    pending = ''
    unwritten = writeWithin(unwritten, lastWaitMilliseconds)
  }
  process.on('exit', flushSync)
  return {
    write: (line: string) => {
      pending += line
      if (pending.length >= gatheredCharacters) flush()
      else flushSoon()
    },
    flushSync,
  }
}

/** @returns what could not be written in time */
function writeWithin(bytes: Buffer, milliseconds: number): Buffer {
  const giveUpAt = performance.now() + milliseconds
  let rest = bytes
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(1, rest))
    } catch (error) {
      // Only a reader that has not read yet is worth waiting for.
      const isPipeFull = (error as NodeJS.ErrnoException).code === 'EAGAIN'
      if (milliseconds === 0 || !isPipeFull || performance.now() > giveUpAt) return rest
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, gatheringMilliseconds)
    }
  }
  return rest
}
