/** Structured logs, without what people trust us with. */
import cluster from 'node:cluster'
import { DriverException } from '@mikro-orm/core'
import type { FastifyBaseLogger } from 'fastify'
import { pino } from 'pino'

export type Logger = FastifyBaseLogger

/** @param destination standard output where it is left out */
export function createLogger(level: string, destination?: { write(line: string): void }): Logger {
  return pino(
    {
      level,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: serializeError },
      base: { pid: process.pid, worker: cluster.worker?.id },
    },
    ...(destination ? [destination] : []),
  )
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
