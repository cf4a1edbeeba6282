/** The formats of variables: each function here checks a text and returns its value, or throws a `Problem`. */
import { availableParallelism } from 'node:os'
import {
  isAddressRange,
  isAppOrigin,
  isHost,
  isRedirectUri,
  originRule,
  parseOrigin,
} from './addresses.ts'
import { parsePostgresqlUrl, type PostgresqlServer } from './database.ts'
import { Problem } from './problem.ts'
import { describeWeakness } from './secret-strength.ts'

const secondsPerUnit = { s: 1, m: 60, h: 3600, d: 86_400 } as const

/** @param text `90s`, `15m`, `12h` or `30d` */
export function parseDurationSeconds(text: string): number | undefined {
  const match = /^(\d{1,9})([smhd])$/.exec(text)
  return match
    ? Number(match[1]) * secondsPerUnit[match[2] as keyof typeof secondsPerUnit]
    : undefined
}

/** A duration within bounds, in seconds; the example is for the message. */
export function durationWithin(example: string, minimum: string, maximum: string) {
  return (text: string): number => {
    const seconds = parseDurationSeconds(text)
    const [least, most] = [parseDurationSeconds(minimum)!, parseDurationSeconds(maximum)!]
    if (seconds !== undefined && seconds >= least && seconds <= most) return seconds
    throw new Problem(`must be a duration such as ${example}, from ${minimum} to ${maximum}`)
  }
}

/** The default of a duration, which is also the example in its message, and its format. */
export function duration(fallback: string, minimum: string, maximum: string) {
  return { default: fallback, parse: durationWithin(fallback, minimum, maximum) }
}

export function integer(minimum: number, maximum: number) {
  return (text: string): number => {
    if (/^\d+$/.test(text) && Number(text) >= minimum && Number(text) <= maximum) {
      return Number(text)
    }
    throw new Problem(`must be a whole number from ${minimum} to ${maximum}`)
  }
}

/** One of several words, in upper or lower case. */
export function oneOf<const T extends readonly string[]>(...values: T) {
  return (text: string): T[number] => {
    const value = values.find((word) => word.toLowerCase() === text.toLowerCase())
    if (value !== undefined) return value
    throw new Problem(`must be one of ${values.join(', ')}`)
  }
}

/** Any text that passes the test. */
function textThat(isRight: (text: string) => boolean, rule: string) {
  return (text: string): string => {
    if (isRight(text)) return text
    throw new Problem(rule)
  }
}

/** Entries separated by commas, all of which pass the test. */
function listThat(isRight: (entries: readonly string[]) => boolean, rule: string) {
  return (text: string): readonly string[] => {
    const entries = commaList(text)
    if (isRight(entries)) return entries
    throw new Problem(rule)
  }
}

export function commaList(text: string): string[] {
  return text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '')
}

/** A switch. @returns undefined when the text is neither on nor off */
export function parseToggle(text: string): boolean | undefined {
  if (/^(on|true|yes|1)$/i.test(text)) return true
  return /^(off|false|no|0)$/i.test(text) ? false : undefined
}

export const toggleRule = 'must be on or off'

export function toggle(text: string): boolean {
  const isOn = parseToggle(text)
  if (isOn !== undefined) return isOn
  throw new Problem(toggleRule)
}

export const hostName = textThat(isHost, 'must be an IP address or a host name')

export function origin(text: string): string {
  const parsed = parseOrigin(text)
  if (parsed !== undefined) return parsed
  throw new Problem(`must be ${originRule}`)
}

/** Origins that may call from a browser: web pages in canonical spelling, apps as they are written. */
export function originList(text: string): string[] {
  const origins = commaList(text).map(
    (entry) => parseOrigin(entry) ?? (isAppOrigin(entry) ? entry : undefined),
  )
  if (origins.every((entry) => entry !== undefined)) return origins
  throw new Problem(
    `must be a list separated by commas, each entry ${originRule}, or of an app, such as capacitor://localhost`,
  )
}

export const redirectUris = listThat(
  (uris) => uris.every(isRedirectUri),
  'must list, separated by commas, URIs in canonical spelling such as https://app.example.com/callback (https unless loopback or an app scheme such as com.example.app:/callback; no query, no fragment)',
)

export const serviceNames = listThat(
  (names) => names.length <= 50 && names.every((name) => /^\P{C}{1,255}$/u.test(name)),
  'must list, separated by commas, at most 50 names of up to 255 characters, such as https://api.example.com',
)

export const clientId = textThat(
  (text) => /^[\x21-\x7e]{1,255}$/.test(text),
  'must be at most 255 printable ASCII characters without spaces',
)

export const schemaName = textThat(
  (name) => !/[".*\p{C}]/u.test(name) && Buffer.byteLength(name) <= 63,
  'must be the name of a schema as it is, without quotes: at most 63 bytes, none of them . * or "',
)

export const brandName = textThat(
  (name) => /^\P{C}{1,60}$/u.test(name) && name.trim() !== '',
  'must be 1 to 60 characters, none of them a control character',
)

export const logoFile = textThat(
  (file) => /\.(svg|png)$/i.test(file),
  'must be the path of a file that ends in .svg or .png',
)

export function replicaUrls(text: string): readonly PostgresqlServer[] {
  return commaList(text).map((url) => parsePostgresqlUrl(url))
}

export function workerCount(text: string): number {
  if (/^auto$/i.test(text)) return availableParallelism()
  if (/^\d{1,3}$/.test(text) && Number(text) >= 1 && Number(text) <= 128) return Number(text)
  throw new Problem('must be auto or a whole number from 1 to 128')
}

export function secret(text: string): string {
  if (Buffer.byteLength(text) < 32) throw new Problem('must be at least 32 bytes')
  const weakness = describeWeakness(text)
  if (weakness === undefined) return text
  throw new Problem(
    `must be random, and it ${weakness}: take what \`openssl rand -base64 32\` prints`,
  )
}

/** The number of proxies in front, their IP addresses, or `false` for none. */
export function trustedProxies(text: string): number | string[] | false {
  if (parseToggle(text) === false) return false
  if (/^[1-9]$/.test(text)) return Number(text)
  const addresses = text.split(',').map((entry) => entry.trim())
  if (addresses.every(isAddressRange)) return addresses
  throw new Problem('must be off, a number of proxies from 1 to 9, or addresses such as 10.0.0.0/8')
}

/** A port, or undefined for `off`. */
export function optionalPort(text: string): number | undefined {
  if (/^\d+$/.test(text) && Number(text) <= 65_535) return Number(text)
  if (parseToggle(text) === false) return undefined
  throw new Problem('must be off or a whole number from 0 to 65535')
}

/** @returns `#rrggbb`, in lower case */
export function color(text: string): string {
  if (/^#?[\da-f]{6}$/i.test(text)) return `#${text.replace('#', '').toLowerCase()}`
  throw new Problem('must be a colour such as #3b4fc4')
}

/**
 * A variable's text without line ends and spaces around it: they are never meant.
 * @returns undefined for an empty one, which counts as absent
 */
export function readVariable(
  env: Readonly<Record<string, string | undefined>>,
  name: string,
): string | undefined {
  return env[name]?.trim() || undefined
}
