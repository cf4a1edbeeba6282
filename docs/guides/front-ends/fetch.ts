/** Latchkey without a library. The access token is in memory, the refresh token in the cookie. */
const url = 'http://localhost:4000/graphql'

let accessToken: string | undefined

interface Answer<T> {
  readonly data?: T | null
  readonly errors?: {
    readonly message: string
    readonly extensions: { readonly code: string; readonly reason?: string }
  }[]
}

async function send<T>(query: string, variables?: Record<string, unknown>): Promise<Answer<T>> {
  const response = await fetch(url, {
    method: 'POST',
    credentials: 'include',
    headers: {
      'content-type': 'application/json',
      ...(accessToken && { authorization: `Bearer ${accessToken}` }),
    },
    body: JSON.stringify({ query, variables }),
  })
  // Errors are JSON too, whatever the status.
  return (await response.json()) as Answer<T>
}

export async function signIn(email: string, password: string): Promise<Answer<unknown>> {
  const answer = await send<{ login: { accessToken: string } }>(
    `mutation ($email: String!, $password: String!) {
      login(email: $email, password: $password, transport: COOKIE) { accessToken }
    }`,
    { email, password },
  )
  accessToken = answer.data?.login.accessToken
  return answer
}

/** Gets the next access token by the cookie. Gives whether somebody is signed in. */
export async function refresh(): Promise<boolean> {
  const answer = await send<{ refreshToken: { accessToken: string } }>(
    'mutation { refreshToken { accessToken } }',
  )
  accessToken = answer.data?.refreshToken.accessToken
  return accessToken !== undefined
}

/** Sends an operation; once more where only the access token's time was over. */
export async function request<T>(
  query: string,
  variables?: Record<string, unknown>,
): Promise<Answer<T>> {
  const answer = await send<T>(query, variables)
  const isExpired = answer.errors?.[0]?.extensions.reason === 'TOKEN_EXPIRED'
  return isExpired && (await refresh()) ? send<T>(query, variables) : answer
}
