/** Hosts, origins and redirect URIs: which of them are well-formed, and which are safe. */
import { isIP } from 'node:net'

export const originRule =
  'an origin such as https://app.example.com (https unless loopback; no path)'

/** Whether only this machine can reach the host. */
export function isLoopback(host: string): boolean {
  return /^(localhost|::1|\[::1\]|127(\.\d{1,3}){3})$/i.test(host)
}

export function isHost(text: string): boolean {
  return isIP(text) !== 0 || (/^[a-z0-9.-]+$/i.test(text) && URL.canParse(`http://${text}`))
}

/** An IP address, or a range of them in CIDR notation. */
export function isAddressRange(text: string): boolean {
  const [address = '', bits, ...rest] = text.split('/')
  const family = isIP(address)
  return (
    family !== 0 &&
    rest.length === 0 &&
    (bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128)))
  )
}

/** One http(s) origin in its canonical spelling, without a pattern, that may safely receive tokens. */
export function isSafeOrigin(text: string): boolean {
  return parseOrigin(text) === text
}

/**
 * The same in any spelling: a final slash, capitals, the default port and letters beyond ASCII are accepted
 * in a variable, and turned into what a browser sends.
 * @returns the canonical spelling, or undefined if the text is not such an origin
 */
export function parseOrigin(text: string): string | undefined {
  const url = /^https?:\/\/[^\s/?#\\@*]+\/?$/i.test(text) ? parseUrl(text) : undefined
  if (!url) return undefined
  // Browsers resolve every name below localhost to loopback (RFC 6761 section 6.3); Tauri uses one.
  const isOnThisMachine = isLoopback(url.hostname) || url.hostname.endsWith('.localhost')
  return url.protocol === 'https:' || isOnThisMachine ? url.origin : undefined
}

/** Schemes whose pages have the origin `null`, or do not belong to one app. */
const foreignSchemes = /^(https?|wss?|ftp|file|data|blob|javascript|about|view-source|filesystem):/

/**
 * The origin of an app that shows its pages in a web view, or of a browser extension, such as
 * `capacitor://localhost` or `chrome-extension://<id>`. The URL standard has no origin for these schemes,
 * so the text is compared as it is.
 */
export function isAppOrigin(text: string): boolean {
  return /^[a-z][a-z\d+.-]*:\/\/[\w.-]+(:\d{1,5})?$/.test(text) && !foreignSchemes.test(text)
}

/**
 * Where a code may be sent: https, loopback, or an app's own scheme (RFC 8252). In canonical spelling and
 * without a query, since the token request must repeat it exactly.
 */
export function isRedirectUri(text: string): boolean {
  const url = parseUrl(text)
  if (!url || url.href !== text || /[?#\\]/.test(text) || url.username !== '') return false
  if (url.protocol === 'http:' || url.protocol === 'https:') return isSafeOrigin(url.origin)
  // An app's scheme has a dot: it is a domain name, reversed. This excludes javascript: and data:.
  return /^[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+:$/.test(url.protocol)
}

function parseUrl(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined
}
