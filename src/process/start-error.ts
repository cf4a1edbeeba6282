/** Why a start failed, in words for the operator. */
import { AppSecretError } from './app-secret.ts'
import { ConfigError } from '../config/config.ts'
import { DatabaseStartError } from '../database/start-error.ts'
import { isUnavailable } from '../database/unavailable.ts'
import { BrandLogoError } from '../features/account-page/account-page-files.ts'
import { ServerCertificateError } from '../http/server-certificate.ts'
import { KeyRingLockedError } from '../core/tokens/key-ring.ts'

const expected = [
  AppSecretError,
  BrandLogoError,
  ConfigError,
  DatabaseStartError,
  KeyRingLockedError,
  ServerCertificateError,
]

/** A sentence if the operator can do something about it. */
export function describeOperatorError(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  if (expected.some((type) => error instanceof type)) return error.message
  if (!isUnavailable(error)) return undefined
  // Further lines are details of the ORM.
  return `The database of DATABASE_URL cannot be used: ${error.message.split('\n', 1)[0]}.`
}

/** The same for a start, with the stack if it is our fault. */
export function describeStartError(error: unknown): string {
  const sentence = describeOperatorError(error)
  if (sentence !== undefined) return `Latchkey could not start.\n${sentence}`
  if (!(error instanceof Error)) return `Latchkey could not start: ${String(error)}`
  const {
    code,
    address,
    port,
    syscall,
    variables = '',
  } = error as NodeJS.ErrnoException & {
    address?: string
    port?: number
    /** With which the names of its variables start. */
    variables?: string
  }
  // What is left of these is about the address to listen on: the database has errors of its own.
  if (code === 'EADDRINUSE') {
    return `Latchkey could not start: port ${port} of ${address} is in use. Stop the other program, or set ${variables}PORT.`
  }
  if (code === 'EADDRNOTAVAIL' || syscall === 'getaddrinfo') {
    return `Latchkey could not start: this machine has no such address. Set ${variables}HOST.`
  }
  if (code === 'EACCES' && (syscall === 'listen' || syscall === 'bind')) {
    return `Latchkey could not start: this user may not listen on port ${port}. Set ${variables}PORT to 1024 or more.`
  }
  return `Latchkey could not start: ${error.stack ?? error.message}`
}
