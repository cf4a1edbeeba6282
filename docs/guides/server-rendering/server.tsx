/** Renders pages for people who are signed in, and passes their operations on. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import {
  AccountDocument,
  AuthError,
  NetworkError,
  createAuthClient,
  errorCode,
  memoryTokenStore,
  type AuthClient,
  type TokenStore,
} from 'latchkey/client'
import { renderToString } from 'react-dom/server'
import { operations } from './operations.ts'
import { Page, type PageData } from './page.tsx'
import { dropStore, findStore, keepStore } from './sessions.ts'

export interface RendererOptions {
  /** Latchkey's `/graphql`, as this server reaches it. */
  readonly url: string
  /** Whether users come by https. */
  readonly isSecure: boolean
  /** `browser.tsx`, bundled. */
  readonly script: string
}

export function createRenderer({ isSecure, script, url }: RendererOptions): Server {
  /** One client for each request, never one for all: it is someone's. */
  function openClient(request: IncomingMessage, tokens: TokenStore): AuthClient {
    // For the list of devices, and for limits by address (TRUST_PROXY).
    const person = {
      'user-agent': request.headers['user-agent'] ?? '',
      'x-forwarded-for': request.socket.remoteAddress ?? '',
    }
    return createAuthClient({
      url,
      tokens,
      fetch: (input, init) => {
        const headers = new Headers(init?.headers)
        for (const [name, value] of Object.entries(person)) headers.set(name, value)
        return fetch(input, { ...init, headers })
      },
    })
  }

  async function showPage(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const auth = openClient(request, findStore(request.headers.cookie) ?? memoryTokenStore())
    sendPage(response, await readPage(auth))
  }

  async function signIn(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const form = new URLSearchParams(await text(request))
    const store = memoryTokenStore()
    const auth = openClient(request, store)
    try {
      await auth.login({ email: form.get('email') ?? '', password: form.get('password') ?? '' })
    } catch (error) {
      const isWrong = errorCode(error) === 'INVALID_CREDENTIALS'
      const message = isWrong ? 'Wrong e-mail or password.' : 'This did not work. Try again later.'
      return sendPage(response, { me: null, message })
    }
    response.setHeader('set-cookie', keepStore(store, isSecure))
    response.writeHead(303, { location: '/' }).end()
  }

  async function signOut(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const store = findStore(request.headers.cookie)
    // Where Latchkey cannot be reached the tokens are forgotten all the same.
    if (store)
      await openClient(request, store)
        .logout()
        .catch(() => undefined)
    response.setHeader('set-cookie', dropStore(request.headers.cookie, isSecure))
    response.writeHead(303, { location: '/' }).end()
  }

  /** What the page in the browser asks for: the token is added here. */
  async function passOn(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { operationName, variables } = readOperation(await text(request))
    const query = operations.get(operationName ?? '')
    if (query === undefined) return void response.writeHead(400).end()
    const auth = openClient(request, findStore(request.headers.cookie) ?? memoryTokenStore())
    try {
      const answer = await auth.fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ query, variables }),
      })
      // Whole, before anything is answered: it may break off.
      sendJson(response, answer.status, await answer.text())
    } catch (error) {
      if (!(error instanceof AuthError)) throw error
      // The session has ended: said as Latchkey says it.
      const { message, ...extensions } = error.serverError
      sendJson(response, 401, JSON.stringify({ errors: [{ message, extensions }] }))
    }
  }

  async function sendScript(_request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.writeHead(200, { 'content-type': 'text/javascript; charset=utf-8' }).end(script)
  }

  return createServer((request, response) => {
    const isPost = request.method === 'POST'
    // SameSite keeps other sites out, not a sibling subdomain.
    const site = request.headers['sec-fetch-site']
    const isForeign = isPost && site !== undefined && site !== 'same-origin'
    const handlers = new Map([
      ['GET /', showPage],
      ['GET /browser.js', sendScript],
      ['POST /sign-in', signIn],
      ['POST /sign-out', signOut],
      ['POST /graphql', passOn],
    ])
    const handle = handlers.get(`${request.method} ${request.url}`)
    if (isForeign || !handle) return void response.writeHead(isForeign ? 403 : 404).end()
    handle(request, response).catch(() => {
      if (response.headersSent) response.destroy()
      else response.writeHead(503).end('Try again later.')
    })
  })
}

async function readPage(auth: AuthClient): Promise<PageData> {
  try {
    if ((await auth.start()).status !== 'signedIn') return { me: null, message: null }
    const { me } = await auth.request(AccountDocument)
    return { me, message: null }
  } catch (error) {
    const isAway = error instanceof NetworkError
    return { me: null, message: isAway ? 'Try again in a moment.' : 'Sign in again.' }
  }
}

function readOperation(body: string): { operationName?: string; variables?: unknown } {
  try {
    return (JSON.parse(body) ?? {}) as { operationName?: string }
  } catch {
    return {}
  }
}

function sendJson(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' }).end(body)
}

function sendPage(response: ServerResponse, data: PageData): void {
  // `<` could end the script that carries the data.
  const json = JSON.stringify(data).replaceAll('<', '\\u003c')
  response.writeHead(200, {
    'content-type': 'text/html; charset=utf-8',
    'cache-control': 'no-store',
  })
  response.end(`<!doctype html>
<title>My account</title>
<div id="root">${renderToString(<Page {...data} />)}</div>
<script id="data" type="application/json">${json}</script>
<script type="module" src="/browser.js"></script>
`)
}
