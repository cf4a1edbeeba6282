// docs/guides/adding-a-provider.md, followed step by step in a copy of the sources.
import { spawnSync } from 'node:child_process'
import {
  cpSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type * as App from '../../src/app.ts'
import type * as Settings from '../../src/process/settings.ts'
import { AuthorizationServer } from '../support/authorization-server.ts'
import { createClient } from '../support/client.ts'
import { json, startHosts, type Call, type Hosts } from '../support/hosts.ts'
import { begin, readAnswer, sendLogin } from '../support/provider-sign-in.ts'
import { testAppSecret } from '../support/server.ts'
import { clientId, clientSecret, signInAt } from '../support/social-providers.ts'
import { readBlocks } from '../support/walkthrough.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const redirectUri = 'https://app.example.com/callback'
const blocks = readBlocks('docs/guides/adding-a-provider.md')
const diffs = blocks.filter(({ language }) => language === 'diff').map(({ body }) => body)

/** A copy of what is compiled, where the guide can be followed. */
const copy = mkdtempSync(join(realpathSync(tmpdir()), 'latchkey-guide-'))
beforeAll(() => {
  for (const file of ['src', 'package.json', 'tsconfig.json', 'tsconfig.build.json']) {
    cpSync(join(root, file), join(copy, file), { recursive: true })
  }
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
})
afterAll(() => rmSync(copy, { recursive: true, force: true }))

function compile(...options: string[]): { status: number | null; output: string } {
  const { status, stdout } = spawnSync(
    process.execPath,
    [join(root, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json', ...options],
    { cwd: copy, encoding: 'utf8' },
  )
  return { status, output: stdout }
}

/** Puts the lines with `+` where the others are. */
function apply(file: string, diff: string): void {
  const lines = diff.trimEnd().split('\n')
  const before = lines.filter((line) => !line.startsWith('+')).map((line) => line.slice(1))
  const after = lines.map((line) => line.slice(1))
  const text = readFileSync(join(copy, file), 'utf8')
  const parts = text.split(`${before.join('\n')}\n`)
  if (parts.length !== 2) throw new Error(`${file} has ${parts.length - 1} places for ${diff}`)
  writeFileSync(join(copy, file), parts.join(`${after.join('\n')}\n`))
}

describe('docs/guides/adding-a-provider.md', () => {
  it('has the compiler ask for the line in the catalogue', () => {
    const [facts] = blocks.filter(({ language }) => language === 'ts')
    writeFileSync(join(copy, 'src/features/providers/definitions/spotify.ts'), facts!.body)
    apply('src/config/provider-variables.ts', diffs[0]!)
    const { status, output } = compile('--noEmit')
    expect(status).not.toBe(0)
    expect(output).toMatch(/catalogue\.ts.*'spotify' is missing/)
  })

  it('leads to a provider that signs users in', async () => {
    for (const diff of diffs.slice(1))
      apply('src/features/providers/definitions/catalogue.ts', diff)
    expect(compile('--outDir', 'dist')).toEqual({ status: 0, output: '' })

    const spotify = spotifyShaped()
    const hosts: Hosts = await startHosts(() => spotify.routes)
    const load = (file: string) => import(pathToFileURL(join(copy, 'dist', file)).href)
    const [{ createApp }, { loadSettings }] = (await Promise.all([
      load('app.js'),
      load('process/settings.js'),
    ])) as [typeof App, typeof Settings]
    const app = await createApp(
      loadSettings({
        PORT: '0',
        APP_SECRET: testAppSecret,
        DATABASE_URL: `sqlite:${join(copy, 'latchkey.db')}`,
        LOG_LEVEL: 'silent',
        REDIRECT_URIS: redirectUri,
        SPOTIFY_CLIENT_ID: clientId,
        SPOTIFY_CLIENT_SECRET: clientSecret,
      }),
      { fetch: hosts.fetch },
    )
    try {
      const client = createClient(app.url)
      const { data } = await client.send('{ providers { id name } }')
      expect(data.providers).toEqual([{ id: 'spotify', name: 'Spotify' }])
      const { authorizationUrl, flowToken } = await begin(client, 'spotify', redirectUri)
      const back = await signInAt(hosts, authorizationUrl, 'lin')
      const answer = await sendLogin(client, readAnswer({ provider: 'spotify', flowToken }, back))
      expect(answer.errors).toBeUndefined()
      expect(answer.data.loginWithProvider.user).toMatchObject({
        email: 'lin@example.com',
        emailVerified: false,
        name: 'Lin',
        identities: [{ provider: 'spotify', email: 'lin@example.com' }],
      })
    } finally {
      await app.close()
      await hosts.close()
    }
  })
})

function spotifyShaped() {
  const server = new AuthorizationServer({ clientId, isClient: () => true })
  server.add({
    id: 'lin',
    profile: { id: 'lin.1', display_name: 'Lin', email: 'lin@example.com' },
  })
  return {
    routes: {
      'GET https://accounts.spotify.com/authorize': (call: Call) => ({
        status: 302,
        headers: { location: server.authorize(call).href },
      }),
      'POST https://accounts.spotify.com/api/token': async (call: Call) => {
        if (!isClient(call)) return json({ error: 'invalid_client' }, 400)
        const { grant, ...tokens } = await server.exchange(call)
        return json({ ...tokens, token_type: 'Bearer', scope: grant.scope })
      },
      'GET https://api.spotify.com/v1/me': (call: Call) => json(server.personOf(call)?.profile),
    },
  }
}

/** RFC 6749 section 2.3.1: both halves are form-encoded. */
function isClient({ headers }: Call): boolean {
  const encoded = /^Basic (.+)$/.exec(headers.authorization ?? '')?.[1] ?? ''
  const credentials = Buffer.from(encoded, 'base64').toString().replaceAll('+', ' ')
  return decodeURIComponent(credentials) === `${clientId}:${clientSecret}`
}
