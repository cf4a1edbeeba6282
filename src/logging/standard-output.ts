/** Lines written to standard output, together and without waiting for their reader. */
import { fstatSync, write, writeSync } from 'node:fs'

const gatheringMilliseconds = 20
const gatheredCharacters = 64 * 1024
/** Of what could not be written yet. */
const keptBytes = 1024 * 1024
/** Where a write fails for another reason than a reader that is slow. */
const retryMilliseconds = 500
/** How long the end of the process waits for a reader: a stop that is forced has little time. */
const lastWaitMilliseconds = 400

export interface StandardOutput {
  write(line: string): void
  /** pino asks for it after a fatal entry. */
  flushSync(): void
}

/**
 * Standard output for a log. Writes together what comes within a moment: a write costs as much as a
 * tenth of a request. A process that is killed loses that moment; one that ends, or logs a fatal entry,
 * does not, unless no one reads for a while.
 *
 * Not pino's own, which ends the server if the disk is full, and then waits for room for ever. Here
 * the lines wait, up to a size, until the disk has room or the reader reads; beyond, they are lost.
 *
 * @param describeLost the line that says how many were
 */
export function standardOutput(describeLost: (lines: number) => string): StandardOutput {
  // The lines of the start go by Node's stream: if they cannot be written it may throw, a moment later.
  process.stdout.on('error', () => {})
  const writeSome = chooseWrite()
  let pending = ''
  let unwritten = Buffer.alloc(0)
  /** With these it starts; another thread is at it. */
  let bytesUnderWay = 0
  let lostLines = 0
  let timer: NodeJS.Timeout | undefined
  const flushSoon = (milliseconds = gatheringMilliseconds) =>
    (timer ??= setTimeout(flush, milliseconds).unref())
  const keep = (text: string) => void (unwritten = Buffer.concat([unwritten, Buffer.from(text)]))
  const gather = (limit = keptBytes) => {
    clearTimeout(timer)
    timer = undefined
    if (unwritten.length < limit) keep(pending)
    else lostLines += pending.split('\n').length - 1
    pending = ''
  }
  const tellLost = () => {
    if (lostLines > 0) keep(describeLost(lostLines))
    lostLines = 0
  }
  const flush = () => {
    gather()
    if (bytesUnderWay > 0 || unwritten.length === 0) return
    bytesUnderWay = unwritten.length
    writeSome(unwritten, (error, writtenBytes) => {
      bytesUnderWay = 0
      unwritten = unwritten.subarray(error ? 0 : writtenBytes)
      if (unwritten.length < keptBytes) tellLost()
      if (unwritten.length > 0) flushSoon(error && !isFull(error) ? retryMilliseconds : undefined)
    })
  }
  const flushSync = () => {
    gather(Number.POSITIVE_INFINITY)
    tellLost()
    const underWay = unwritten.subarray(0, bytesUnderWay)
    unwritten = Buffer.concat([underWay, writeWithin(unwritten.subarray(bytesUnderWay))])
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

type WriteSome = (bytes: Buffer, done: (error: Error | null, writtenBytes: number) => void) => void

/** A pipe takes at once what it has room for; for anything else another thread waits. */
function chooseWrite(): WriteSome {
  const file = fstatSync(1)
  if (!file.isFIFO() && !file.isSocket()) return (bytes, done) => write(1, bytes, done)
  // Node has made the pipe one that does not block, since `process.stdout` was looked at.
  return (bytes, done) => {
    let writtenBytes = 0
    try {
      writtenBytes = writeSync(1, bytes)
    } catch (error) {
      return done(error as Error, 0)
    }
    done(null, writtenBytes)
  }
}

/** @returns what could not be written in time */
function writeWithin(bytes: Buffer<ArrayBuffer>): Buffer<ArrayBuffer> {
  const giveUpAt = performance.now() + lastWaitMilliseconds
  let rest = bytes
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(1, rest))
    } catch (error) {
      if (!isFull(error) || performance.now() > giveUpAt) return rest
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, gatheringMilliseconds)
    }
  }
  return rest
}

/** A pipe that does not block, and whose reader has not read. */
function isFull(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'EAGAIN'
}
