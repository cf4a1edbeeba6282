/** How many lines a command lists. */
import { CommandError } from './run.ts'

export function limitOf(text: string | undefined): number {
  if (text === undefined) return 100
  if (/^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 10_000) return Number(text)
  throw new CommandError('--limit must be a whole number from 1 to 10000.')
}
