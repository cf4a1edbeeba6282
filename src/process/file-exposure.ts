/** Files that hold secrets, and may be read by other users of the machine. */
import { existsSync, statSync } from 'node:fs'
import type { Config } from '../config/config.ts'

const everyUser = 'all users of this machine'

/** @returns a warning for each file that others may read or write */
export function exposedFiles(config: Config): string[] {
  return secretFiles(config).flatMap((file) => {
    const others = whoElse(file)
    if (others === undefined) return []
    // The group keeps what may be how this user reads the file.
    const change = others === everyUser ? 'o-rwx' : 'go-rwx'
    return [`${file} can be read or written by ${others}. Run: chmod ${change} ${file}`]
  })
}

function secretFiles({ database, tls }: Config): string[] {
  const databaseFiles =
    database.engine === 'sqlite'
      ? ['', '-wal', '-shm'].map((suffix) => database.file + suffix)
      : [database, ...database.replicas].map((server) => server.tls?.client?.keyFile)
  return ['.env', tls?.keyFile, ...databaseFiles].filter((file) => file !== undefined)
}

/**
 * A file of another owner, such as root, is read by way of its group: Debian's `ssl-cert`, or the group of
 * a mounted Kubernetes secret. Only what everyone can read counts there.
 */
function whoElse(file: string): string | undefined {
  if (process.platform === 'win32' || !existsSync(file)) return undefined
  const { mode, uid } = statSync(file)
  if ((mode & 0o007) !== 0) return everyUser
  const isOwn = uid === process.geteuid?.()
  return isOwn && (mode & 0o070) !== 0 ? 'its group' : undefined
}
