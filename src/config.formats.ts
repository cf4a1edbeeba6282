/** The formats of variables: what a text must look like, and what it means. */
import { isIP } from 'node:net'
import { z } from 'zod'
import { DatabaseUrlProblem } from './config.database.ts'

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
  const [least, most] = [parseDurationSeconds(minimum)!, parseDurationSeconds(maximum)!]
  return z
    .string()
    .default(fallback)
    .transform((text, context) => {
      const seconds = parseDurationSeconds(text)
      if (seconds === undefined || seconds < least || seconds > most) {
        context.addIssue(`must be a duration such as ${fallback}, from ${minimum} to ${maximum}`)
        return z.NEVER
      }
      return seconds
    })
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

export function oneOf<const T extends readonly string[]>(...values: T) {
  return z.enum(values, `must be one of ${values.join(', ')}`)
}

/** An `on`/`off` switch; left out, it is decided by other variables. */
export const toggle = oneOf('on', 'off').transform((value) => value === 'on')

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
  return (
    host === 'localhost' || host === '::1' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host)
  )
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
  const url = parseUrl(text)
  return (
    url?.origin === text &&
    !text.includes('*') &&
    (url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname)))
  )
}

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
      (text) => isIP(text) !== 0 || /^[a-z0-9.-]+$/i.test(text),
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
