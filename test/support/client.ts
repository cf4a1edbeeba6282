/** A GraphQL client as thin as curl. */

export interface GraphqlError {
  readonly message: string
  readonly path?: (string | number)[]
  readonly extensions: {
    readonly code: string
    readonly reason?: string
    readonly field?: string
    readonly retryAfter?: number
    readonly provider?: string
    readonly linkableWith?: string[]
    readonly requestId?: string
  }
}

export interface Answer {
  readonly status: number
  readonly headers: Headers
  // oxlint-disable-next-line typescript/no-explicit-any -- tests read what they asked for
  readonly data: any
  readonly errors: GraphqlError[] | undefined
  /** The first error's code. */
  readonly code: string | undefined
  /** The first error's reason. */
  readonly reason: string | undefined
  readonly text: string
}

export interface Tokens {
  readonly accessToken: string
  readonly refreshToken: string
  readonly user: { readonly id: string }
}

export interface Client {
  readonly url: string
  /** Sends an operation by POST. */
  send(
    query: string,
    variables?: Record<string, unknown>,
    headers?: Record<string, string>,
  ): Promise<Answer>
  /** The same, with a bearer token. */
  as(accessToken: string): Pick<Client, 'send'>
  /** Makes an account with a fresh address, unless one is given. */
  register(input?: {
    email?: string
    password?: string
    name?: string
  }): Promise<Tokens & { readonly email: string; readonly password: string }>
  login(email: string, password: string): Promise<Answer>
  refresh(refreshToken: string): Promise<Answer>
}

export const authPayload = 'accessToken refreshToken expiresIn refreshExpiresIn user { id email }'
const password = 'correct horse battery'
let accounts = 0

/** @param standing headers of every request */
export function createClient(url: string, standing: Record<string, string> = {}): Client {
  const send: Client['send'] = async (query, variables, headers = {}) => {
    const response = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...standing, ...headers },
      body: JSON.stringify({ query, ...(variables && { variables }) }),
    })
    return readAnswer(response)
  }
  return {
    url,
    send,
    as: (accessToken) => ({
      send: (query, variables, headers) =>
        send(query, variables, { authorization: `Bearer ${accessToken}`, ...headers }),
    }),
    register: async (input = {}) => {
      const account = {
        email: `person${++accounts}.${process.pid}@example.com`,
        password,
        ...input,
      }
      const answer = await send(
        `mutation ($email: String!, $password: String!, $name: String) {
          register(email: $email, password: $password, name: $name) { ${authPayload} }
        }`,
        account,
      )
      if (answer.errors) throw new Error(`register failed: ${answer.text}`)
      return { ...account, ...answer.data.register }
    },
    login: (email, secret) =>
      send(
        `mutation ($email: String!, $password: String!) {
          login(email: $email, password: $password) { ${authPayload} }
        }`,
        { email, password: secret },
      ),
    refresh: (refreshToken) =>
      send(
        `mutation ($refreshToken: String) {
          refreshToken(refreshToken: $refreshToken) { ${authPayload} }
        }`,
        { refreshToken },
      ),
  }
}

export async function readAnswer(response: Response): Promise<Answer> {
  const text = await response.text()
  // oxlint-disable-next-line typescript/no-explicit-any -- as above
  const body: any = /json/.test(response.headers.get('content-type') ?? '') ? JSON.parse(text) : {}
  const first = body.errors?.[0]
  return {
    status: response.status,
    headers: response.headers,
    data: body.data,
    errors: body.errors,
    code: first?.extensions?.code,
    reason: first?.extensions?.reason,
    text,
  }
}
