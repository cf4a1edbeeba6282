/** Why a file cannot be the SQLite database, in words for the operator. */
import { closeSync, openSync, readSync, statSync, type Stats } from 'node:fs'
import { DatabaseStartError } from './start-error.ts'

const reasons: Record<string, string> = {
  SQLITE_CANTOPEN: 'it cannot be opened: is the folder there, and may this user write to it?',
  SQLITE_READONLY:
    'it is read-only for this user: give the user the right to write the file and its folder',
  SQLITE_NOTADB:
    'it is not a SQLite database: another program wrote it, or it is damaged. Restore a backup, or name another file',
  SQLITE_CORRUPT: 'it is damaged. Restore a backup',
  SQLITE_BUSY: 'another process keeps it locked',
  SQLITE_FULL: 'the disk is full',
  SQLITE_IOERR: 'the disk reports an error',
  EACCES: 'this user may not open or create it',
  EPERM: 'this user may not open or create it',
  EROFS: 'it lies on a read-only file system',
  ENOENT: 'its folder cannot be created',
  EISDIR: 'it is a folder. Name a file in it',
  ENOTDIR: 'its folder is a file',
  EEXIST: 'its folder is a file',
  ENAMETOOLONG: 'its name is too long',
  ELOOP: 'it is a symbolic link to itself',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota of this user is used up',
}
/** The first bytes of every database that is not empty. */
const header = 'SQLite format 3\0'

/**
 * Looks at the file without changing anything. One that does not exist yet is fine.
 * @throws DatabaseStartError
 */
export function checkDatabaseFile(file: string): void {
  hasDatabase(file)
}

/**
 * The same, with what it found. An empty file is not a database yet.
 * @throws DatabaseStartError
 */
export function hasDatabase(file: string): boolean {
  try {
    const stat = look(file)
    if (stat === undefined) return false
    if (stat.isDirectory()) throw withCode('EISDIR')
    if (!stat.isFile()) throw cannotBeUsed(file, 'it is a device, a pipe or a socket')
    if (stat.size > 0 && readStart(file) !== header) throw withCode('SQLITE_NOTADB')
    return stat.size > 0
  } catch (error) {
    throw explainFileError(file, error)
  }
}

/** @returns the error itself if there is nothing that the operator could do about it */
export function explainFileError(file: string, error: unknown): unknown {
  const { code } = error as { code?: unknown }
  const reason = typeof code === 'string' && reasons[code.replace(/^(SQLITE_[A-Z]+)_.*/, '$1')]
  return reason ? cannotBeUsed(file, reason, error) : error
}

export function cannotBeUsed(file: string, reason: string, cause?: unknown): DatabaseStartError {
  return new DatabaseStartError(`The database file ${file} cannot be used: ${reason}.`, { cause })
}

function look(file: string): Stats | undefined {
  try {
    return statSync(file, { throwIfNoEntry: false })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EACCES') throw error
    throw cannotBeUsed(file, 'this user may not read its folder', error)
  }
}

function readStart(file: string): string {
  const descriptor = openSync(file, 'r')
  try {
    const bytes = Buffer.alloc(header.length)
    return bytes.toString('latin1', 0, readSync(descriptor, bytes))
  } finally {
    closeSync(descriptor)
  }
}

function withCode(code: string): Error {
  return Object.assign(new Error(code), { code })
}
