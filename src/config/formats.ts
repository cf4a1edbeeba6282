/** The formats of variables: what a text must look like, and what it means. */
import { isIP } from 'node:net'
import { z } from 'zod'
import { DatabaseUrlProblem } from './database.ts'

const secondsPerUnit = { s: 1, m: 60, h: 3600, d: 86_400 } as const

/** @param text `90s`, `15m`, `12h` or `30d` */
export function parseDurationSeconds(text: string): number | undefined {
  const match = /^(\d{1,9})([smhd])$/.exec(text)
  return match
    ? Number(match[1]) * secondsPerUnit[match[2] as keyof typeof secondsPerUnit]
    : undefined
}

/** A duration within bounds, as seconds. */
export function duration(fallback: string, minimum: string, maximum: string) {
  return z
    .string()
    .default(fallback)
    .transform(durationWithin(fallback, minimum, maximum))
}

/** The same, for a default that depends on other variables. */
export function optionalDuration(example: string, minimum: string, maximum: string) {
  return z
    .string()
    .transform(durationWithin(example, minimum, maximum))
    .optional()
}

function durationWithin(example: string, minimum: string, maximum: string) {
  const [least, most] = [parseDurationSeconds(minimum)!, parseDurationSeconds(maximum)!]
  return (text: string, context: z.RefinementCtx): number => {
    const seconds = parseDurationSeconds(text)
    if (seconds !== undefined && seconds >= least && seconds <= most) return seconds
    context.addIssue(`must be a duration such as ${example}, from ${minimum} to ${maximum}`)
    return z.NEVER
  }
}

export function integer(fallback: number, minimum: number, maximum: number) {
  return z
    .string()
    .default(String(fallback))
    .refine(
      (text) => /^\d+$/.test(text) && Number(text) >= minimum && Number(text) <= maximum,
      `must be a whole number from ${minimum} to ${maximum}`,
    )
    .transform(Number)
}

/** One of some words, in upper or lower case. */
export function oneOf<const T extends readonly string[]>(...values: T) {
  return z.string().transform((text, context): T[number] => {
    const value = values.find((word) => word.toLowerCase() === text.toLowerCase())
    if (value !== undefined) return value
    context.addIssue(`must be one of ${values.join(', ')}`)
    return z.NEVER
  })
}

/** A switch. @returns undefined when the text is neither of the two */
export function parseToggle(text: string): boolean | undefined {
  if (/^(on|true|yes|1)$/i.test(text)) return true
  return /^(off|false|no|0)$/i.test(text) ? false : undefined
}

export const toggleRule = 'must be on or off'

/** An `on`/`off` switch; left out, it is decided by other variables. */
export const toggle = z.string().transform((text, context): boolean => {
  const isOn = parseToggle(text)
  if (isOn !== undefined) return isOn
  context.addIssue(toggleRule)
  return z.NEVER
})

/**
 * A variable as it counts: line ends and spaces around a value are never meant, wherever it comes from.
 * @returns undefined for an empty one, which counts as absent
 */
export function readVariable(
  env: Readonly<Record<string, string | undefined>>,
  name: string,
): string | undefined {
  return env[name]?.trim() || undefined
}

export const commaList = z
  .string()
  .default('')
  .transform((text) =>
    text
      .split(',')
      .map((entry) => entry.trim())
      .filter((entry) => entry !== ''),
  )

/** Whether only this machine can reach the address. */
export function isLoopback(host: string): boolean {
  return /^(localhost|::1|\[::1\]|127(\.\d{1,3}){3})$/i.test(host)
}

function parseUrl(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined
}

/** What a parser of a database's URL refuses becomes a problem of its variable. */
export function parsing<T>(parse: (text: string) => T) {
  return (text: string, context: z.RefinementCtx): T => {
    try {
      return parse(text)
    } catch (error) {
      if (!(error instanceof DatabaseUrlProblem)) throw error
      context.addIssue(error.message)
      return z.NEVER
    }
  }
}

/** One http(s) origin, no pattern, in its canonical spelling, that is safe to hand tokens to. */
export function isSafeOrigin(text: string): boolean {
  return parseOrigin(text) === text
}

/**
 * The same in any spelling: a final slash, capitals, the default port and letters beyond ASCII are as good
 * in a variable as what a browser sends.
 * @returns its canonical spelling, or undefined when it is no such origin
 */
export function parseOrigin(text: string): string | undefined {
  const url = /^https?:\/\/[^\s/?#\\@*]+\/?$/i.test(text) ? parseUrl(text) : undefined
  if (!url) return undefined
  // Browsers resolve every name below localhost to loopback (RFC 6761 section 6.3); Tauri uses one.
  const isOnThisMachine = isLoopback(url.hostname) || url.hostname.endsWith('.localhost')
  return url.protocol === 'https:' || isOnThisMachine ? url.origin : undefined
}

/** Schemes whose pages have the origin `null`, or are not the pages of one app. */
const foreignSchemes = /^(https?|wss?|ftp|file|data|blob|javascript|about|view-source|filesystem):/

/**
 * The origin of an app that shows its pages in a web view, or of a browser extension, such as
 * `capacitor://localhost` or `chrome-extension://<id>`. The URL standard has no origin for these schemes,
 * so the text is compared as it is.
 */
export function isAppOrigin(text: string): boolean {
  return /^[a-z][a-z\d+.-]*:\/\/[\w.-]+(:\d{1,5})?$/.test(text) && !foreignSchemes.test(text)
}

/** Origins that may call from a browser: those of pages in canonical spelling, those of apps as they are. */
export const originList = commaList.transform((entries, context) => {
  const origins = entries.map((text) => parseOrigin(text) ?? (isAppOrigin(text) ? text : undefined))
  if (origins.every((origin) => origin !== undefined)) return origins
  context.addIssue(
    `must be a list separated by commas, each entry ${originRule}, or of an app, such as capacitor://localhost`,
  )
  return z.NEVER
})

/**
 * Where an answer with a code may be sent: https, loopback, or an app's own scheme (RFC 8252). In
 * canonical spelling and without a query, since the token request must repeat it exactly.
 */
export function isRedirectUri(text: string): boolean {
  const url = parseUrl(text)
  if (!url || url.href !== text || /[?#\\]/.test(text) || url.username !== '') return false
  if (url.protocol === 'http:' || url.protocol === 'https:') return isSafeOrigin(url.origin)
  // A scheme of an app has a dot: it is a domain name, reversed. This leaves out javascript: and data:.
  return /^[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+:$/.test(url.protocol)
}

export const originRule =
  'an origin such as https://app.example.com (https unless loopback; no path)'

export function hostName(fallback: string) {
  return z
    .string()
    .default(fallback)
    .refine(
      (text) => isIP(text) !== 0 || (/^[a-z0-9.-]+$/i.test(text) && URL.canParse(`http://${text}`)),
      'must be an IP address or a host name',
    )
}

/** An address or a range of them in CIDR notation. */
export function isAddressRange(text: string): boolean {
  const [address = '', bits, ...rest] = text.split('/')
  const family = isIP(address)
  return (
    family !== 0 &&
    rest.length === 0 &&
    (bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128)))
  )
}
