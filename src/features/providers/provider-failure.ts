/** What a provider did wrong, in words that may be logged. */

/** The provider refused or misbehaved; the cause says how, for the log. */
export class ProviderFailure extends Error {
  override name = 'ProviderFailure'
}

/** The identity is of another issuer, which had the provider's id before. */
export class OtherIssuerFailure extends ProviderFailure {
  override name = 'OtherIssuerFailure'
}

/**
 * RFC 6749 section 5.2, and what GitHub says in their place
 * (docs.github.com/apps/oauth-apps/maintaining-oauth-apps/troubleshooting-oauth-app-access-token-request-errors).
 * Any other text may be anything, a token included.
 */
const knownErrors = [
  'invalid_request',
  'invalid_client',
  'invalid_grant',
  'unauthorized_client',
  'unsupported_grant_type',
  'invalid_scope',
  'incorrect_client_credentials',
  'redirect_uri_mismatch',
  'bad_verification_code',
]

export function toProviderFailure(cause: unknown): ProviderFailure {
  const chain = causes(cause)
  // JSON.parse quotes the text that it stumbles over.
  if (chain.some((error) => error.name === 'SyntaxError')) {
    return new ProviderFailure('The provider answered with what is not JSON')
  }
  const said = chain.map((error) => detailOf(error))
  const known = knownErrors.find((word) => said.includes(word))
  const message = known ? `The provider said ${known}` : 'The provider refused or misbehaved'
  return new ProviderFailure(message, { cause })
}

/** The response that an error is about, if there was one. */
export function responseOf(error: unknown): Response | undefined {
  if (error instanceof Response) return error
  if (!(error instanceof Error)) return undefined
  const { response } = error as { response?: unknown }
  return response instanceof Response ? response : responseOf(error.cause)
}

/** Whether the provider was down, overloaded or out of reach: it may answer the same request later. */
export function isPassing(error: unknown): boolean {
  const response = responseOf(error)
  if (response) return response.status >= 500 || [408, 429].includes(response.status)
  return causes(error).some(
    ({ message, name }) => interruptions.includes(name) || networkErrors.includes(message),
  )
}

const interruptions = ['TimeoutError', 'AbortError']
/** Those of Node's fetch, before and within the response. */
const networkErrors = ['fetch failed', 'terminated']

function causes(error: unknown): Error[] {
  return error instanceof Error ? [error, ...causes(error.cause)] : []
}

/** Where openid-client keeps the `error` of a response: with a status that says so, and with 200. */
function detailOf(error: object): unknown {
  const { error: said, cause } = error as {
    error?: unknown
    cause?: { body?: { error?: unknown } }
  }
  return said ?? cause?.body?.error
}
