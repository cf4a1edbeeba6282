/**
 * What providers send, as the specifications have it. A member that has no value should be left out;
 * many providers write null or an empty text instead, or a list where a text belongs.
 */

type Members = Readonly<Record<string, unknown>>

/** Members of a token response that may be absent (RFC 6749 section 5.1, OpenID Connect Core section 3.1.3.3). */
const optionalMembers = ['expires_in', 'refresh_token', 'scope', 'id_token']

/** Without what is null or empty. */
export function presentMembers(members: Members): Members {
  return Object.fromEntries(
    Object.entries(members).filter(([, value]) => value !== null && value !== ''),
  )
}

/**
 * @param body of a response that says that it is JSON
 * @returns the same if it is not an object, or not JSON after all
 */
export function conformJson(body: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const value = parse(body)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return body
  const present = presentMembers(value as Members)
  const { sub } = present
  const members = Number.isSafeInteger(sub) ? { ...present, sub: String(sub) } : present
  const isTokenResponse = members['access_token'] !== undefined
  return new Uint8Array(
    Buffer.from(JSON.stringify(isTokenResponse ? conformTokens(members) : members)),
  )
}

function conformTokens(members: Members): Members {
  // Twitch lists its scopes (dev.twitch.tv/docs/authentication/getting-tokens-oidc).
  const scope = Array.isArray(members['scope'])
    ? members['scope'].filter((name) => typeof name === 'string').join(' ')
    : members['scope']
  const expiresIn = members['expires_in']
  const isTime = Number.parseFloat(String(expiresIn)) >= 0
  const tokens = {
    // Required, and always this one.
    token_type: 'bearer',
    ...members,
    scope: typeof scope === 'string' ? scope : false,
    expires_in: isTime ? expiresIn : false,
  }
  return Object.fromEntries(
    Object.entries(tokens).filter(
      ([name, value]) => !(optionalMembers.includes(name) && value === false),
    ),
  )
}

function parse(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(body))
  } catch {
    return undefined
  }
}
