/** Structured logs, without what people trust us with. */
import cluster from 'node:cluster'
import { fstatSync, write, writeSync } from 'node:fs'
import { DriverException } from '@mikro-orm/core'
import type { FastifyBaseLogger } from 'fastify'
import { pino } from 'pino'

export type Logger = FastifyBaseLogger

/** @param destination standard output where it is left out */
export function createLogger(level: string, destination?: { write(line: string): void }): Logger {
  return pino(
    {
      level,
      timestamp: isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: serializeError },
      base: { pid: process.pid, worker: cluster.worker?.id },
    },
    destination ?? (output ??= standardOutput()),
  )
}

/** The process has one, however many servers it runs. */
let output: ReturnType<typeof standardOutput> | undefined

const gatheringMilliseconds = 20
const gatheredCharacters = 64 * 1024
/** Of what could not be written yet. */
const keptBytes = 1024 * 1024
/** Where a write fails for another reason than a reader that is slow. */
const retryMilliseconds = 500
/** How long the end of the process waits for a reader: a stop that is forced has little time. */
const lastWaitMilliseconds = 400

/**
 * Standard output. Writes together what is logged within a moment: a write costs as much as a tenth of a
 * request. A process that is killed loses that moment; one that ends, or logs a fatal entry, does not,
 * unless nobody reads for a while.
 *
 * Not pino's own, which ends the server where the disk is full, and then waits for room for ever. Here
 * the entries wait, up to a size, until the disk has room or the reader reads; beyond, they are lost, and
 * an entry says how many.
 */
function standardOutput() {
  // The lines of the start go by Node's stream: where they cannot be written it may throw, a moment later.
  process.stdout.on('error', () => {})
  const writeSome = chooseWrite()
  let pending = ''
  let unwritten = Buffer.alloc(0)
  /** With these it begins; another thread is at it. */
  let bytesUnderWay = 0
  let lostEntries = 0
  let timer: NodeJS.Timeout | undefined
  const flushSoon = (milliseconds = gatheringMilliseconds) =>
    (timer ??= setTimeout(flush, milliseconds).unref())
  const keep = (text: string) => void (unwritten = Buffer.concat([unwritten, Buffer.from(text)]))
  const gather = (limit = keptBytes) => {
    clearTimeout(timer)
    timer = undefined
    if (unwritten.length < limit) keep(pending)
    else lostEntries += pending.split('\n').length - 1
    pending = ''
  }
  const tellLost = () => {
    if (lostEntries > 0) keep(entryOfLost(lostEntries))
    lostEntries = 0
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
    // pino asks for it after a fatal entry.
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

function entryOfLost(entries: number): string {
  const where = { pid: process.pid, worker: cluster.worker?.id }
  const entry = { level: 'warn', time: new Date().toISOString(), ...where, entries }
  return `${JSON.stringify({ ...entry, msg: 'Log entries were lost: they could not be written' })}\n`
}

let lastTime = 0
let lastTimestamp = ''

/** As pino's `isoTime`, but made once for all entries of a millisecond. */
function isoTime(): string {
  const now = Date.now()
  if (now !== lastTime) {
    lastTime = now
    lastTimestamp = `,"time":"${new Date(now).toISOString()}"`
  }
  return lastTimestamp
}

/** SQLSTATE, or SQLite's own. */
const databaseCode = /^([\dA-Z]{5}|SQLITE_\w+)$/

function serializeError(error: Error): unknown {
  if (!(error instanceof Error)) return { type: typeof error, message: 'Not an error was thrown' }
  const { message, stack } = error
  const code = (error as { code?: unknown }).code
  const cause: unknown = error.cause
  const isOfDatabase = error instanceof DriverException || databaseCode.test(String(code))
  return {
    type: error.constructor.name,
    ...(typeof code === 'string' && { code }),
    message: isOfDatabase ? withoutValues(message) : message,
    stack: isOfDatabase ? stackFrames(error) : stack,
    // Not pino's serializer, which puts the messages of all causes into one.
    ...(cause instanceof Error && { cause: serializeError(cause) }),
  }
}

/** Databases quote names and values alike in what they say, and add the row as a detail. */
function withoutValues(message: string): string {
  return message.split('\n - detail:', 1)[0]!.replace(/["'][^]*["']/, '…')
}

/** The stack without its first lines, which repeat the message. */
function stackFrames(error: Error): string | undefined {
  return error.stack
    ?.split('\n')
    .filter((line) => /^\s+at /.test(line))
    .join('\n')
}
