/** Variables that no one reads, and that look as if they were meant for this server. */
import { providerNames, suffixesOf, type ProviderKind } from './provider-variables.ts'
import { variables } from './variables.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** Below it, one letter more or less makes another word: HOST and HOSTS, PORT and POST. */
const shortestWithTypos = 6
/** From it on two letters may be wrong. */
const longName = 10

/** What belongs to a provider: `CLIENT_ID`, `ISSUER`, … */
const openidSuffixes = allSuffixes('openid')

const known: ReadonlySet<string> = new Set([
  ...Object.keys(variables),
  ...providerNames.flatMap((name) =>
    allSuffixes(name as ProviderKind).map((suffix) => `${name.toUpperCase()}_${suffix}`),
  ),
])

/** @returns a line for each, with the name that may be the right one */
export function misspelledVariables(env: Environment): string[] {
  return Object.keys(env).flatMap((name) => {
    const meant = env[name] ? findMeant(name, env) : undefined
    return meant === undefined
      ? []
      : [`${name} is not a variable of Latchkey and was not read. Did you mean ${meant}?`]
  })
}

function findMeant(name: string, env: Environment): string | undefined {
  if (known.has(name)) return undefined
  const upper = name
    .toUpperCase()
    .replaceAll(/[^A-Z\d]/g, '_')
    .replace(/^_+/, '')
  if (upper.startsWith('OIDC_')) return findOpenid(name, upper)
  // Kubernetes sets LATCHKEY_PORT=tcp://… for a service of that name.
  if (upper === 'LATCHKEY_PORT' && env[name]?.includes('://') === true) return undefined
  // A file in place of a value is a convention of Docker's images.
  const letters = lettersOf(upper.replace(/^LATCHKEY_/, '').replace(/_FILE$/, ''))
  for (const right of known) if (lettersOf(right) === letters) return right
  // Perhaps it belongs to another program, and is right.
  for (const right of known) if (!env[right] && isTypo(letters, lettersOf(right))) return right
  return undefined
}

/** `OIDC_<NAME>_<SUFFIX>`, with a name that anyone may choose. */
function findOpenid(name: string, upper: string): string | undefined {
  const [, ...parts] = upper.split('_')
  const nameless = openidSuffixes.find((suffix) => suffix === parts.join('_'))
  if (nameless !== undefined) return `OIDC_<NAME>_${nameless}`
  let typo: string | undefined
  for (let length = 1; length < parts.length; length += 1) {
    const issuer = parts.slice(0, length).join('_')
    const letters = parts.slice(length).join('')
    for (const suffix of openidSuffixes) {
      const right = `OIDC_${issuer}_${suffix}`
      if (right === name) return undefined
      if (lettersOf(suffix) === letters) return right
      if (isTypo(letters, lettersOf(suffix))) typo ??= right
    }
  }
  return typo
}

function allSuffixes(kind: ProviderKind): string[] {
  const { required, optional } = suffixesOf(kind)
  return [...required, ...optional]
}

function lettersOf(name: string): string {
  return name.replaceAll('_', '')
}

function isTypo(written: string, right: string): boolean {
  if (right.length < shortestWithTypos) return false
  return distance(written, right) <= (right.length >= longName ? 2 : 1)
}

/** How many letters differ, are missing or too many, or have changed places with the next (Damerau). */
function distance(a: string, b: string): number {
  const rows = [Array.from({ length: b.length + 1 }, (_, column) => column)]
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row]
    for (let column = 1; column <= b.length; column += 1) {
      const isSame = a[row - 1] === b[column - 1]
      let least = Math.min(
        rows[row - 1]![column]! + 1,
        current[column - 1]! + 1,
        rows[row - 1]![column - 1]! + (isSame ? 0 : 1),
      )
      const isSwapped =
        row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]
      if (isSwapped) least = Math.min(least, rows[row - 2]![column - 2]! + 1)
      current.push(least)
    }
    rows.push(current)
  }
  return rows[a.length]![b.length]!
}
