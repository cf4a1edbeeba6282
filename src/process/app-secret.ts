/** The secret of a server on one machine: a file next to the SQLite database. */
import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { makePrivateFolder } from '../database/private-folder.ts'
import { describeWeakness } from '../config/secret-strength.ts'

/** The secret cannot be used; the message says what to do about it. */
export class AppSecretError extends Error {
  override name = 'AppSecretError'
}

const secretBytes = 32

/** @param databaseFile the SQLite file */
export function appSecretFile(databaseFile: string): string {
  return `${databaseFile.replace(/\.(db|sqlite3?)$/, '')}.secret`
}

/**
 * Reads the secret, or makes one if there is no database yet.
 * @throws AppSecretError when it is lost, too short, or readable by others
 */
export function readOrMakeAppSecret(databaseFile: string): string {
  const file = appSecretFile(databaseFile)
  if (!existsSync(file)) {
    if (isThere(databaseFile)) {
      throw new AppSecretError(
        `${file} is missing, but the database ${databaseFile} is there. The secret in that file signs
refresh tokens and decrypts the signing keys of this database. Restore the file from a backup, or set
APP_SECRET. If it is lost for good: \`npm run keys -- reset\` makes a new secret and new keys. Accounts
and passwords stay; all users have to sign in again.`,
      )
    }
    return makeAppSecret(databaseFile)
  }
  if (process.platform !== 'win32' && (statSync(file).mode & 0o077) !== 0) {
    throw new AppSecretError(`${file} can be read by others. Run: chmod 600 ${file}`)
  }
  const secret = wrapError(file, 'read', () => readFileSync(file, 'utf8')).trim()
  if (Buffer.byteLength(secret) < secretBytes) {
    throw new AppSecretError(
      `${file} holds fewer than ${secretBytes} bytes. Restore it from a backup.`,
    )
  }
  const weakness = describeWeakness(secret)
  if (weakness !== undefined) {
    throw new AppSecretError(
      `The secret in ${file} ${weakness}, so it can be guessed. Restore the file from a backup, or remove it and run: npm run keys -- reset`,
    )
  }
  return secret
}

/** Creates the secret before the database: the next start would otherwise report it as missing. */
export function makeAppSecretOfNewDatabase(databaseFile: string): void {
  if (!isThere(databaseFile)) makeAppSecret(databaseFile)
}

/**
 * Writes a new secret, for its owner only. If another process was quicker, its secret counts.
 * @throws AppSecretError
 */
export function makeAppSecret(databaseFile: string): string {
  const file = appSecretFile(databaseFile)
  return wrapError(file, 'created', () => {
    makePrivateFolder(dirname(file))
    try {
      writeFileSync(file, `${randomBytes(secretBytes).toString('base64url')}\n`, {
        mode: 0o600,
        flag: 'wx',
      })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
    return readFileSync(file, 'utf8').trim()
  })
}

/** An empty file is not a database yet. */
function isThere(databaseFile: string): boolean {
  return existsSync(databaseFile) && statSync(databaseFile).size > 0
}

const reasons: Record<string, string> = {
  EACCES: 'this user has no permission for that',
  EPERM: 'this user has no permission for that',
  EROFS: 'the file system is read-only',
  ENOENT: 'its folder cannot be created',
  EEXIST: 'its folder is a file',
  ENOTDIR: 'its folder is a file',
  EISDIR: 'it is a folder',
  ENOSPC: 'the disk is full',
}

function wrapError<T>(file: string, what: 'read' | 'created', work: () => T): T {
  try {
    return work()
  } catch (error) {
    const reason = reasons[String((error as NodeJS.ErrnoException).code)]
    if (reason === undefined) throw error
    throw new AppSecretError(
      `The secret ${file} cannot be ${what}: ${reason}. Give the user that permission, name another database in DATABASE_URL, or set APP_SECRET.`,
      { cause: error },
    )
  }
}
