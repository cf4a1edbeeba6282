/** Which redirect URIs a client may name. */

/** An IP of this machine, not a name for it, which another resolver may lead elsewhere (RFC 8252 section 8.3). */
const loopback = /^http:\/\/(?:127\.0\.0\.1|\[::1\])(?=\/|:)/
const port = /^:[1-9]\d{0,4}(?=\/)/

/**
 * Character by character: every cleverer comparison has been an open redirect once. The one exception is
 * the port of a loopback IP, which an app on the user's machine learns only when it listens (RFC 8252
 * section 7.3): an entry without a port stands for any.
 */
export function isAllowedRedirectUri(uri: string, allowed: readonly string[]): boolean {
  if (allowed.includes(uri)) return true
  // In canonical spelling, since the token request repeats it as a URL parser writes it.
  const host = loopback.exec(uri)?.[0]
  if (host === undefined || !URL.canParse(uri) || new URL(uri).href !== uri) return false
  const rest = uri.slice(host.length)
  return port.test(rest) && allowed.includes(host + rest.replace(port, ''))
}
