/** Structured logs, without what people trust us with. */
import { DriverException } from '@mikro-orm/core'
import type { FastifyBaseLogger } from 'fastify'
import { pino, stdSerializers } from 'pino'

export type Logger = FastifyBaseLogger

/** @param destination standard output where it is left out */
export function createLogger(level: string, destination?: { write(line: string): void }): Logger {
  return pino(
    {
      level,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: serializeError },
      base: { pid: process.pid },
    },
    ...(destination ? [destination] : []),
  )
}

/** The ORM puts the statement, values and all, into the message; the driver's own error has none. */
function serializeError(error: Error): unknown {
  const cause: unknown = error.cause
  if (error instanceof DriverException) {
    return {
      type: error.name,
      code: error.code,
      message: cause instanceof Error ? cause.message : 'The database refused a statement',
      stack: stackFrames(error),
    }
  }
  if (!(error instanceof Error)) return { type: typeof error, message: 'Not an error was thrown' }
  const { type, message, stack } = stdSerializers.err(error)
  const code = (error as { code?: unknown }).code
  return {
    type,
    ...(typeof code === 'string' && { code }),
    message,
    stack,
    ...(cause instanceof Error && { cause: serializeError(cause) }),
  }
}

/** The stack without its first lines, which repeat the message. */
function stackFrames(error: Error): string | undefined {
  return error.stack
    ?.split('\n')
    .filter((line) => /^\s+at /.test(line))
    .join('\n')
}
