/** How the client proves itself to a token endpoint, and what is tried after a provider refuses it. */
import * as openid from 'openid-client'
import type { TokenAuthMethod } from '../../config/providers.ts'

export interface Way {
  readonly name: string
  readonly authenticate: openid.ClientAuth
}

/** RFC 6749 section 5.2, and what GitHub says in its place. */
const refusals = ['invalid_client', 'unauthorized_client', 'incorrect_client_credentials']

/**
 * The ways that are open, the likeliest first. HTTP Basic is what every server must support (RFC 6749
 * section 2.3.1) and what a client is registered for unless it says otherwise (RFC 7591 section 2).
 * Which one this client is registered for is not in the metadata, so the other one is tried after a refusal.
 * @param method what the operator has set
 */
export function waysOf(
  { clientId, clientSecret }: { readonly clientId: string; readonly clientSecret: string },
  method: TokenAuthMethod | undefined,
  supported: unknown,
): Way[] {
  if (clientSecret === '') return [{ name: 'none', authenticate: openid.None() }]
  const isOpen = (name: TokenAuthMethod) =>
    method === undefined ? !Array.isArray(supported) || supported.includes(name) : method === name
  const basic = { name: 'client_secret_basic', authenticate: basicAuth(clientSecret, formEncode) }
  const post = { name: 'client_secret_post', authenticate: openid.ClientSecretPost(clientSecret) }
  // Some servers compare the id and the secret as they come, without decoding them.
  const raw = { name: 'unencoded', authenticate: basicAuth(clientSecret, (text) => text) }
  const isEncoded = [clientId, clientSecret].some((text) => formEncode(text) !== text)
  const isBasicOpen = isOpen('client_secret_basic')
  const isPostOpen = isOpen('client_secret_post')
  // Metadata that list neither know nothing of secrets, or leave them out.
  if (!isBasicOpen && !isPostOpen) return [basic, post]
  return [
    ...(isBasicOpen ? [basic] : []),
    ...(isPostOpen ? [post] : []),
    ...(isBasicOpen && isEncoded ? [raw] : []),
  ]
}

/** The way that one provider has not refused, remembered as long as the process lives. */
export class ClientAuthentication {
  #accepted: string | undefined

  /** For one exchange: its requests authenticate by one way after the other, until one is not refused. */
  begin(): { readonly authenticate: openid.ClientAuth; readonly request: Request } {
    let current: openid.ClientAuth | undefined
    return {
      authenticate: (...request) => current!(...request),
      request: async (ways, send) => {
        const accepted = ways.filter(({ name }) => name === this.#accepted)
        const order = [...new Set([...accepted, ...ways])]
        for (const [index, { authenticate, name }] of order.entries()) {
          current = authenticate
          try {
            const result = await send()
            this.#accepted = name
            return result
          } catch (error) {
            const isRefused = isClientRefused(error)
            // A server may have used the code up before it refused the client: then this sign-in fails,
            // and the next one begins with the right way.
            if (!isRefused) this.#accepted = name
            if (!isRefused || index === order.length - 1) throw error
          }
        }
        throw new TypeError('There is no way to authenticate the client')
      },
    }
  }
}

type Request = <T>(ways: readonly Way[], send: () => Promise<T>) => Promise<T>

function isClientRefused(error: unknown): boolean {
  if (error instanceof Response) return error.status === 401
  if (!(error instanceof Error)) return false
  const { error: said, status } = error as { error?: unknown; status?: unknown }
  return status === 401 || refusals.includes(String(said)) || isClientRefused(error.cause)
}

/** The library's own also encodes what needs no encoding, such as `-`, and many servers decode nothing. */
function basicAuth(secret: string, encode: (text: string) => string): openid.ClientAuth {
  return (_server, client, _body, headers) => {
    const credentials = `${encode(client.client_id)}:${encode(secret)}`
    headers.set('authorization', `Basic ${Buffer.from(credentials).toString('base64')}`)
  }
}

/** RFC 6749 appendix B. */
function formEncode(text: string): string {
  return new URLSearchParams([['', text]]).toString().slice(1)
}
