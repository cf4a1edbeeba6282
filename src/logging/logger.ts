/** Structured logs, without what users trust us with. */
import cluster from 'node:cluster'
import { DriverException } from '@mikro-orm/core'
import type { FastifyBaseLogger } from 'fastify'
import { pino } from 'pino'
import { standardOutput, type StandardOutput } from './standard-output.ts'

export type Logger = FastifyBaseLogger

/** @param destination standard output if it is left out */
export function createLogger(level: string, destination?: { write(line: string): void }): Logger {
  return pino(
    {
      level,
      timestamp: isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: serializeError },
      base: { pid: process.pid, worker: cluster.worker?.id },
    },
    destination ?? (output ??= standardOutput(entryOfLost)),
  )
}

/** The process has one, however many servers it runs. */
let output: StandardOutput | undefined

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
