import { Kind, getIntrospectionQuery, parse } from 'graphql'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startServer, type TestServer } from '../support/server.ts'

const operations = [
  'Register',
  'Login',
  'LoginWithCookie',
  'Me',
  'Protected',
  'RefreshToken',
  'Sessions',
  'RevokeSession',
  'ChangePassword',
  'Logout',
  'Providers',
  'BeginProviderLogin',
  'LoginWithProvider',
  'LinkProvider',
  'UnlinkProvider',
  'ProviderToken',
  'Account',
]
const pages = ['/graphql', '/graphiql']
const studio = 'https://studio.apollographql.com'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

/** What a browser gets at the address that the start prints. */
async function open({ url }: TestServer, path = '/graphql') {
  const response = await fetch(url + path, { headers: { accept: 'text/html,*/*;q=0.8' } })
  return { response, page: await response.text() }
}

describe('Apollo Sandbox', () => {
  it.each(pages)('has at %s the operations in the order in which one tries them', async (path) => {
    const { response, page } = await open(server, path)
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toContain('text/html')
    const { document, variables } = readContents(page)
    // A feature of one's own shows its operations after these.
    expect(operationNames(document).slice(0, operations.length)).toEqual(operations)
    expect(variables).toMatchObject({
      email: expect.stringMatching(/^ada\.[\da-f]{8}@example\.com$/),
      password: expect.any(String),
    })
  })

  it.each(pages)('registers an account from %s whenever the page is loaded', async (path) => {
    for (let load = 0; load < 3; load += 1) {
      const { document, variables } = readContents((await open(server, path)).page)
      const request = { document, variables, operationName: 'Register', headers: {} }
      const { data, errors } = (await (await post(server, request)).json()) as GraphqlAnswer
      expect(errors).toBeUndefined()
      expect(data?.['register']?.accessToken).toMatch(/^eyJ/)
    }
  })

  it('has each of them answered as it stands in the page', async () => {
    const { document, variables } = readContents((await open(server)).page)
    const codes: Record<string, string> = {}
    let headers: Record<string, string> = {}
    for (const operationName of operations) {
      const answer = await post(server, { document, variables, operationName, headers })
      const { data, errors } = (await answer.json()) as GraphqlAnswer
      if (errors) codes[operationName] = errors[0]!.extensions.code
      const token = data?.['register']?.accessToken
      if (token) headers = { authorization: `Bearer ${token}` }
    }
    expect(codes).toEqual({
      // There is no cookie yet. RevokeSession, of which no session has been chosen, returns false.
      RefreshToken: 'INVALID_REFRESH_TOKEN',
      // No provider is set up, and Logout has ended the session.
      BeginProviderLogin: 'UNKNOWN_PROVIDER',
      LoginWithProvider: 'UNKNOWN_PROVIDER',
      LinkProvider: 'UNAUTHENTICATED',
      UnlinkProvider: 'UNAUTHENTICATED',
      ProviderToken: 'UNAUTHENTICATED',
      Account: 'UNAUTHENTICATED',
    })
  })

  it('can read the schema with all that introspection offers', async () => {
    const introspection = getIntrospectionQuery({
      descriptions: true,
      directiveIsRepeatable: true,
      inputValueDeprecation: true,
      oneOf: true,
      schemaDescription: true,
      specifiedByUrl: true,
    })
    const answer = await server.client.send(introspection)
    expect(answer.errors).toBeUndefined()
    expect(answer.data.__schema.types.length).toBeGreaterThan(10)
  })

  it.each(pages)('loads at %s only what this server serves, and never changes', async (path) => {
    const { response, page } = await open(server, path)
    expect(response.headers.get('cache-control')).toBe('no-store')
    const urls = loads(page)
    expect(urls.length).toBeGreaterThan(1)
    for (const url of urls) {
      expect(url).toMatch(/^\/sandbox\/assets\/[\w.-]+\.(js|css)$/)
      const asset = await fetch(server.url + url)
      expect(asset.status).toBe(200)
      expect(asset.headers.get('content-type')).toMatch(/^text\/(javascript|css)/)
      expect(asset.headers.get('cache-control')).toContain('immutable')
      expect((await asset.bytes()).length).toBeGreaterThan(100)
    }
    // All that is between the tags of a script is data.
    const inline = page.matchAll(/<script([^>]*)>[^<]/g)
    expect(Array.from(inline, ([, attributes]) => attributes)).toEqual([
      ' type="application/json" id="examples"',
    ])
  })

  it.each(['absent.js', '..%2Fsandbox.html', 'constructor', '__proto__'])(
    'has no file %s',
    async (name) => {
      const { response } = await open(server, `/sandbox/assets/${name}`)
      expect(response.status).toBe(404)
    },
  )

  it('reaches the server from its hosted page, with a token, on loopback', async () => {
    const preflight = await fetch(`${server.url}/graphql`, {
      method: 'OPTIONS',
      headers: {
        origin: studio,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,content-type',
      },
    })
    expect(preflight.status).toBe(204)
    expect(preflight.headers.get('access-control-allow-origin')).toBe(studio)
    expect(preflight.headers.get('access-control-allow-methods')).toContain('POST')
    expect(preflight.headers.get('access-control-allow-headers')).toContain('authorization')

    const { accessToken } = await server.client.register()
    const answer = await server.client
      .as(accessToken)
      .send('{ protected }', undefined, { origin: studio })
    expect(answer.headers.get('access-control-allow-origin')).toBe(studio)
    expect(answer.data.protected).toContain('Hello')
  })

  const closed: [why: string, env: Record<string, string>, isPageThere: boolean][] = [
    ['it is switched off', { SANDBOX: 'off' }, false],
    [
      'users reach the server from elsewhere',
      { PUBLIC_URL: 'https://login.example.com', SANDBOX: 'on' },
      true,
    ],
  ]
  it.each(closed)('is not let in from its hosted page when %s', async (_why, env, isPageThere) => {
    const other = await startServer(env)
    const answer = await other.client.send('{ providers { id } }', undefined, { origin: studio })
    expect(answer.headers.get('access-control-allow-origin')).toBeNull()
    const { page } = await open(other)
    expect(page.includes('Apollo Sandbox')).toBe(isPageThere)
    for (const path of ['/graphiql', ...loads((await open(server, '/graphiql')).page)]) {
      expect((await open(other, path)).response.status).toBe(isPageThere ? 200 : 404)
    }
  })
})

interface Contents {
  readonly document: string
  readonly variables: Record<string, unknown>
}
interface GraphqlAnswer {
  readonly data?: Record<string, { accessToken?: string } | undefined> | null
  readonly errors?: { extensions: { code: string } }[]
}

function readContents(page: string): Contents {
  return JSON.parse(/id="examples">(.*?)<\/script>/s.exec(page)![1]!) as Contents
}

/** What a page loads, by its addresses. */
function loads(page: string): string[] {
  const elements = page.matchAll(/<(?:script|link)[^>]* (?:src|href)="([^"]+)"/g)
  return Array.from(elements, ([, url]) => url!).filter((url) => !url.startsWith('data:'))
}

function operationNames(document: string): string[] {
  return parse(document)
    .definitions.filter((definition) => definition.kind === Kind.OPERATION_DEFINITION)
    .map(({ name }) => name!.value)
}

/** As Sandbox sends it: the whole document, and all variables, whichever operation is run. */
function post(
  { url }: TestServer,
  request: Contents & { operationName: string; headers: Record<string, string> },
) {
  const { document: query, headers, operationName, variables } = request
  return fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ query, variables, operationName }),
  })
}
