/** `npm run dev`: the server and its pages, again with every change, and an identity provider to sign in with. */
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, watch } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { startDevIdentityProvider } from './dev-identity-provider.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const tsx = fileURLToPath(import.meta.resolve('tsx/cli'))

if (existsSync('.env')) process.loadEnvFile('.env')
const { env } = process
const port = Number(env['DEV_PROVIDER_PORT'] || 4010)
const serverUrl = env['PUBLIC_URL'] || `http://127.0.0.1:${env['PORT'] || 4000}`
const redirectUris = (env['REDIRECT_URIS'] ?? '').split(',').filter((uri) => uri.trim() !== '')

const provider = await startDevIdentityProvider({
  port,
  serverUrl,
  redirectUris: [...redirectUris, `${serverUrl}/callback`],
}).catch((error: unknown) => {
  console.error(
    `The identity provider cannot listen on port ${port}; DEV_PROVIDER_PORT names another one.`,
  )
  console.error(error instanceof Error ? error.message : error)
  process.exit(1)
})

// Built as it is for production, so that what one sees is what is given: the policy, the caching.
const buildPages = [fileURLToPath(new URL('build.mjs', import.meta.url)), '--pages', '--if-stale']
if (spawnSync(process.execPath, buildPages, { stdio: ['ignore', 2, 2] }).status !== 0) {
  console.error('The pages cannot be built; they are built again with the next change.')
}
let build: NodeJS.Timeout | undefined
for (const folder of ['web', 'sandbox', 'client']) {
  watch(`${root}${folder}`, { recursive: true }, () => {
    clearTimeout(build)
    build = setTimeout(() => spawn(process.execPath, buildPages, { stdio: ['ignore', 2, 2] }), 100)
  })
}

console.log(`
  Identity provider   ${provider.issuer}  (provider \`dev\`: anybody can be anybody)
  Its redirect URI    ${provider.callbackUrl}  (shows what to do with the answer)
  How to sign in      docs/guides/provider-login.md
`)

// A group of its own: the terminal's Ctrl-C comes here alone, and continues once.
const pages = ['--include=dist/web/index.html', '--include=dist/sandbox/sandbox.html']
const server = spawn(
  process.execPath,
  [tsx, 'watch', '--clear-screen=false', ...pages, 'src/main.ts'],
  {
    cwd: root,
    detached: true,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: {
      ...env,
      REDIRECT_URIS: [...redirectUris, provider.callbackUrl].join(','),
      OIDC_DEV_ISSUER: provider.issuer,
      OIDC_DEV_CLIENT_ID: provider.clientId,
      OIDC_DEV_CLIENT_SECRET: provider.clientSecret,
      OIDC_DEV_LABEL: env['OIDC_DEV_LABEL'] || 'Development',
    },
  },
)

let isStopping = false
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    isStopping = true
    server.kill(signal === 'SIGHUP' ? 'SIGTERM' : signal)
  })
}
server.once('exit', (code) => {
  void provider.close().then(() => process.exit(isStopping ? 0 : (code ?? 1)))
})
