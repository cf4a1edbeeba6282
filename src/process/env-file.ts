/** The file `.env`, as users's editors and shells write it. */
import { isUtf8 } from 'node:buffer'
import { readFileSync } from 'node:fs'
import { parseEnv } from 'node:util'

/** The file cannot be read; the message says why, to be read after its name. */
export class EnvFileError extends Error {
  override name = 'EnvFileError'
}

export interface EnvFile {
  readonly variables: Readonly<Record<string, string>>
  /** What was not read as it may have been meant. Names lines and variables, never values. */
  readonly warnings: readonly string[]
}

/** @throws EnvFileError */
export function readEnvFile(file: string): EnvFile {
  let bytes: Buffer
  try {
    bytes = readFileSync(file)
  } catch (error) {
    throw new EnvFileError('cannot be read: it must be a file that this user may read.', {
      cause: error,
    })
  }
  const text = decode(bytes).replaceAll(/\r\n?/g, '\n')
  const variables = parseEnv(text) as Record<string, string>
  return { variables, warnings: misreadings(text).map((warning) => `${file}${warning}`) }
}

/** Windows writes byte order marks, PowerShell 5 writes UTF-16. */
function decode(bytes: Buffer): string {
  const [first, second] = bytes
  if (first === 0xff && second === 0xfe) return new TextDecoder('utf-16le').decode(bytes)
  if (first === 0xfe && second === 0xff) return new TextDecoder('utf-16be').decode(bytes)
  if (!isUtf8(bytes) || bytes.includes(0)) {
    throw new EnvFileError('cannot be read: it must be text in UTF-8. Save it again as UTF-8.')
  }
  // Without the byte order mark, which would become a part of the first name.
  return new TextDecoder().decode(bytes)
}

const assignment = /^\s*(?:export\s+)?([\w.-]+)\s*=/

function misreadings(text: string): string[] {
  const warnings: string[] = []
  const seen = new Set<string>()
  for (const [index, line] of withoutQuotedValues(text).split('\n').entries()) {
    if (line.trim() === '') continue
    const name = assignment.exec(line)?.[1]
    if (name === undefined) {
      warnings.push(`, line ${index + 1}, was not read: it is not NAME=value.`)
      continue
    }
    if (/[^\s]#/.test(line)) {
      warnings.push(`: ${name} ends before its #. Put its value in quotes if # is a part of it.`)
    }
    if (seen.has(name)) warnings.push(`: ${name} is set twice, and only the last value counts.`)
    seen.add(name)
  }
  return warnings
}

/** Keeps the lines, so that they can be counted. */
function withoutQuotedValues(text: string): string {
  return text
    .replaceAll(/^[ \t]*#.*$/gm, '')
    .replaceAll(/(=[ \t]*)(["'`])[^]*?\2.*$/gm, (value, start: string) => {
      const lines = value.split('\n').length - 1
      return start + '\n'.repeat(lines)
    })
}
