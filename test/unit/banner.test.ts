import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { describeStart } from '../../src/process/banner.ts'
import { loadConfig } from '../../src/config/config.ts'

const APP_SECRET = 'a secret that only the tests of this repository use'

/** What the start prints of warnings, for an environment next to the secret. */
function warningsOf(env: Record<string, string>): string[] {
  const text = describeStart(loadConfig({ APP_SECRET, ...env }), 'http://127.0.0.1:4000')
  return text.split('\n').filter((line) => line.startsWith('  Warning: '))
}

const https = { PUBLIC_URL: 'https://auth.example.com' }
const behindProxy = { ...https, TRUST_PROXY: '1' }

describe('the start', () => {
  it.each<[what: string, env: Record<string, string>, says: RegExp[]]>([
    ['nothing on this machine', {}, []],
    ['nothing behind a proxy that is trusted', behindProxy, []],
    ['nothing behind two proxies by address', { ...https, TRUST_PROXY: '10.0.0.0/8' }, []],
    ['nothing with a certificate', { ...https, TLS_CERT: 'a.crt', TLS_KEY: 'a.key' }, []],
    [
      'of a proxy that is not trusted',
      https,
      [/nothing here ends TLS.*TRUST_PROXY is off.*share one budget.*Set TRUST_PROXY/],
    ],
    [
      'of plain http beyond this machine',
      { HOST: '0.0.0.0' },
      [/PUBLIC_URL is not set.*http:\/\/0\.0\.0\.0:4000.*drop the cookie.*Set PUBLIC_URL/],
    ],
    [
      'of https under an address that nobody can open',
      { HOST: '::', TLS_CERT: 'a.crt', TLS_KEY: 'a.key' },
      [/PUBLIC_URL is not set.*https:\/\/\[::\]:4000 as their issuer/],
    ],
    [
      'of Sandbox and introspection that others can open',
      { ...behindProxy, SANDBOX: 'on', INTROSPECTION: 'on' },
      [/SANDBOX=on: Apollo Sandbox and GraphiQL are open to everyone/, /INTROSPECTION=on: /],
    ],
    ['nothing of them on this machine', { SANDBOX: 'on', INTROSPECTION: 'on' }, []],
    ['of attempts without limit', { THROTTLE: 'off' }, [/THROTTLE=off/]],
    ['of weak hashes', { BCRYPT_COST: '9' }, [/BCRYPT_COST=9/]],
  ])('warns %s', (_what, env, says) => {
    expect(warningsOf(env)).toEqual(says.map((rule) => expect.stringMatching(rule)))
  })

  it('names PUBLIC_URL where users go, and the address where it listens', () => {
    const url = 'http://127.0.0.1:4000'
    const text = describeStart(loadConfig({ ...behindProxy, SANDBOX: 'on' }), url)
    expect(text).toContain(`  Latchkey is listening on ${url}\n`)
    for (const line of [
      'Public     https://auth.example.com',
      'Account    https://auth.example.com/',
      'GraphiQL   https://auth.example.com/graphiql',
      'JWKS       https://auth.example.com/.well-known/jwks.json',
      // Works on this machine whatever the proxy does.
      `curl -s ${url}/graphql`,
    ]) {
      expect(text).toContain(`\n  ${line}`)
    }
  })

  it('prints a registration that does not take the account of the walkthrough', () => {
    const text = describeStart(loadConfig({ APP_SECRET }), 'http://127.0.0.1:4000')
    const email = /register\(email: \\"([^"\\]+)/.exec(text)![1]!
    const guides = readdirSync(new URL('../../docs/guides', import.meta.url))
    for (const document of ['README.md', ...guides.map((name) => `docs/guides/${name}`)]) {
      if (!document.endsWith('.md')) continue
      const file = new URL(`../../${document}`, import.meta.url)
      expect(readFileSync(file, 'utf8')).not.toContain(email)
    }
  })

  it('names the port that it got with PORT=0', () => {
    const url = 'http://127.0.0.1:43210'
    const text = describeStart(loadConfig({ PORT: '0' }), url)
    expect(text).toContain(`\n  Account    ${url}/\n`)
    expect(text).not.toContain('Public')
  })
})
