/**
 * Sign-ins with a provider per second, beside what the same provider manages on its own: the code's
 * exchange and the userinfo that come with each, asked for by no one but this client. The ratio is what
 * Latchkey costs; the rest is the provider's.
 *
 * `npm run bench:provider-login [-- <sign-ins a round>]`
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import { people, startDevIdentityProvider } from '../scripts/dev-identity-provider.ts'
import { freePort } from '../test/support/free-port.ts'
import { median } from './report.ts'

interface Provider {
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: string
  readonly callbackUrl: string
}

const root = fileURLToPath(new URL('..', import.meta.url))
const rounds = 3
const connections = 8
/** Everyone comes in turn. */
let turns = 0

if (process.argv[2] === 'provider') {
  console.log(
    JSON.stringify(await startDevIdentityProvider({ port: 0, serverUrl: '', redirectUris: [] })),
  )
} else {
  await measure(Number(process.argv[2] ?? 200))
}

async function measure(signIns: number): Promise<void> {
  spawnSync(process.execPath, ['scripts/build.mjs', '--if-stale'], { cwd: root, stdio: 'inherit' })
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-bench-'))
  const children: ChildProcess[] = []
  try {
    const provider = await startProvider(children)
    const server = await startLatchkey(children, provider, folder)
    const figures = { ceiling: [] as number[], latchkey: [] as number[] }
    // The first round warms up. Then they take turns, so that a noisy minute falls on both.
    for (let round = 0; round <= rounds; round++) {
      const ceiling = await perSecond(await gather(signIns, () => beginAlone(provider)))
      const latchkey = await perSecond(
        await gather(signIns, () => beginThrough(server, provider.callbackUrl)),
      )
      if (round === 0) continue
      figures.ceiling.push(ceiling)
      figures.latchkey.push(latchkey)
    }
    const [ceiling, latchkey] = [median(figures.ceiling), median(figures.latchkey)]
    console.log(
      `The provider's own ceiling   ${ceiling.toFixed(0)} exchanges with userinfo a second`,
    )
    console.log(`Through Latchkey             ${latchkey.toFixed(0)} sign-ins a second`)
    console.log(`Ratio                        ${(latchkey / ceiling).toFixed(2)}`)
  } finally {
    for (const child of children) child.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  }
}

/** What is measured: one code, brought back. */
type Finish = () => Promise<void>

/** Codes are fetched before the clock runs: they cost the provider its page, and Latchkey nothing. */
async function gather(count: number, begin: () => Promise<Finish>): Promise<Finish[]> {
  const gathered: Finish[] = []
  await inParallel(
    Array.from({ length: count }, () => async () => void gathered.push(await begin())),
  )
  return gathered
}

async function perSecond(finishes: readonly Finish[]): Promise<number> {
  const startedAt = performance.now()
  await inParallel(finishes)
  return finishes.length / ((performance.now() - startedAt) / 1000)
}

async function inParallel(work: readonly (() => Promise<void>)[]): Promise<void> {
  const queue = work.values()
  await Promise.all(
    Array.from({ length: connections }, async () => {
      for (const one of queue) await one()
    }),
  )
}

async function beginAlone({ callbackUrl, clientId, clientSecret, issuer }: Provider) {
  const verifier = randomBytes(32).toString('base64url')
  const challenge = createHash('sha256').update(verifier).digest('base64url')
  const url = new URL('/auth', issuer)
  url.search = new URLSearchParams({
    client_id: clientId,
    response_type: 'code',
    redirect_uri: callbackUrl,
    scope: 'openid email profile',
    state: randomBytes(16).toString('hex'),
    nonce: randomBytes(16).toString('hex'),
    code_challenge: challenge,
    code_challenge_method: 'S256',
  }).toString()
  const { code } = await choose(url.href)
  return async () => {
    const exchanged = await fetch(new URL('/token', issuer), {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'authorization_code',
        code: code!,
        redirect_uri: callbackUrl,
        code_verifier: verifier,
        client_id: clientId,
        client_secret: clientSecret,
      }),
    })
    const { access_token: token } = (await exchanged.json()) as { access_token: string }
    const told = await fetch(new URL('/me', issuer), {
      headers: { authorization: `Bearer ${token}` },
    })
    if (!told.ok) throw new Error(`userinfo answers ${told.status}`)
    await told.text()
  }
}

async function beginThrough(server: string, redirectUri: string) {
  const { beginProviderLogin } = await send(
    server,
    `mutation ($redirectUri: String!) {
      beginProviderLogin(provider: "dev", redirectUri: $redirectUri) { authorizationUrl flowToken }
    }`,
    { redirectUri },
  )
  const answer = await choose(beginProviderLogin!['authorizationUrl']!)
  return async () => {
    await send(
      server,
      `mutation ($code: String!, $state: String!, $flowToken: String!, $iss: String) {
        loginWithProvider(provider: "dev", code: $code, state: $state, flowToken: $flowToken, iss: $iss) {
          accessToken
        }
      }`,
      { ...answer, flowToken: beginProviderLogin!['flowToken'] },
    )
  }
}

async function send(server: string, query: string, variables: object) {
  const response = await fetch(`${server}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
  })
  const { data, errors } = (await response.json()) as {
    data: Record<string, Record<string, string>>
    errors?: unknown
  }
  // Figures of refusals are figures of something else.
  if (errors) throw new Error(JSON.stringify(errors))
  return data
}

/** What a browser does in which someone is chosen. */
async function choose(authorizationUrl: string): Promise<Record<string, string>> {
  const person = people[turns++ % people.length]!
  let url = new URL(`${authorizationUrl}&login_hint=${person.sub}`)
  const cookies = new Map<string, string>()
  for (;;) {
    const response = await fetch(url, {
      redirect: 'manual',
      headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
    })
    await response.arrayBuffer()
    for (const header of response.headers.getSetCookie()) {
      const [name = '', value = ''] = header.split(';')[0]!.split(/=(.*)/s)
      cookies.set(name, value)
    }
    const location = response.headers.get('location')
    if (location === null) throw new Error(`The provider answers ${response.status}`)
    url = new URL(location, url)
    if (url.pathname === '/callback') return Object.fromEntries(url.searchParams)
  }
}

async function startProvider(children: ChildProcess[]): Promise<Provider> {
  const child = spawn(
    process.execPath,
    ['--import', import.meta.resolve('tsx'), fileURLToPath(import.meta.url), 'provider'],
    { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] },
  )
  children.push(child)
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  return JSON.parse(line.toString()) as Provider
}

async function startLatchkey(
  children: ChildProcess[],
  provider: Provider,
  folder: string,
): Promise<string> {
  const port = await freePort()
  const child = spawn(process.execPath, ['--enable-source-maps', join(root, 'dist/main.js')], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      PATH: process.env['PATH'],
      PORT: String(port),
      DATABASE_URL: `sqlite:${join(folder, 'latchkey.db')}`,
      LOG_LEVEL: 'warn',
      // A thousand sign-ins come from one address here.
      THROTTLE: 'off',
      REDIRECT_URIS: provider.callbackUrl,
      OIDC_DEV_ISSUER: provider.issuer,
      OIDC_DEV_CLIENT_ID: provider.clientId,
      OIDC_DEV_CLIENT_SECRET: provider.clientSecret,
    },
  })
  children.push(child)
  await once(child.stdout, 'data')
  return `http://127.0.0.1:${port}`
}
