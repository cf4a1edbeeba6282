/** The FILE of `npm run db:backup` and `npm run db:restore`. */
import { accessSync, constants, statSync, type Stats } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { CommandError } from './run.ts'

/** @throws CommandError */
export function resolveBackup(file: string): string {
  if (file === '') throw new CommandError('FILE is empty: name a file.')
  // npm runs every script in the folder of package.json, whatever folder it was called in.
  const { INIT_CWD: folder, npm_lifecycle_event: script } = process.env
  return resolve(script?.startsWith('db:') === true ? (folder ?? '') : '', file)
}

/** @throws CommandError if no file of this name can be created */
export function checkNewBackup(file: string): void {
  if (find(file)) throw new CommandError(`${file} is there already.`)
  const folder = dirname(file)
  const found = find(folder)
  if (!found) throw new CommandError(`There is no folder ${folder}.`)
  if (!found.isDirectory()) throw new CommandError(`${folder} is not a folder.`)
  checkAccess(folder, constants.W_OK | constants.X_OK, 'write to')
}

/** @throws CommandError if there is nothing to restore */
export function checkBackup(file: string): void {
  const found = find(file)
  if (!found) throw new CommandError(`There is no ${file}.`)
  if (found.isDirectory()) throw new CommandError(`${file} is a folder, not a backup.`)
  checkAccess(file, constants.R_OK, 'read')
}

function find(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false })
  } catch (error) {
    throw new CommandError(
      (error as NodeJS.ErrnoException).code === 'EACCES'
        ? `This user may not read the folder ${dirname(path)}.`
        : `${path} cannot be used (${(error as NodeJS.ErrnoException).code}).`,
    )
  }
}

function checkAccess(path: string, mode: number, what: string): void {
  try {
    accessSync(path, mode)
  } catch {
    throw new CommandError(`This user may not ${what} ${path}.`)
  }
}
