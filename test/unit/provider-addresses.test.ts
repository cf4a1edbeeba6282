import { describe, expect, it } from 'vitest'
import { ConfigError, loadConfig } from '../../src/config/config.ts'

type Environment = Record<string, string>

/** What the server says instead of starting. */
function problemsOf(env: Environment): readonly string[] {
  try {
    loadConfig(env)
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
  return []
}

const client = { OIDC_ACME_CLIENT_ID: 'id', OIDC_ACME_CLIENT_SECRET: 'secret' }

describe('OIDC_<NAME>_ISSUER', () => {
  it.each([
    'https://issuer.example',
    'https://issuer.example/',
    'https://issuer.example/realms/acme',
    'https://issuer.example:8443',
    'https://issuer/',
    'http://localhost:9000',
    'http://127.0.0.1:9000',
    'http://[::1]:9000',
  ])('may name the issuer %s', (issuer) => {
    expect(problemsOf({ OIDC_ACME_ISSUER: issuer, ...client })).toEqual([])
  })

  it.each([
    'http://issuer.example',
    'http://127.issuer.example',
    'http://127.0.0.1.issuer.example',
    'http://localhost.issuer.example',
    'http://0.0.0.0:9000',
    'http://10.0.0.1',
    'https://10.0.0.1',
    'https://169.254.169.254',
    'https://[fd00::1]',
    'https://issuer.example?x=1',
    'https://issuer.example#x',
    'https://somebody:hush@issuer.example',
    'ftp://issuer.example',
    'file:///etc/passwd',
    'issuer.example',
    'hush',
  ])('may not name the issuer %s', (issuer) => {
    const problems = problemsOf({ OIDC_ACME_ISSUER: issuer, ...client })
    expect(problems).toEqual([expect.stringMatching(/^OIDC_ACME_ISSUER must be an https address/)])
    expect(problems[0]).not.toContain('hush')
  })
})

describe('REDIRECT_URIS', () => {
  it.each([
    '',
    'https://app.example.com/callback',
    'https://app.example.com/',
    'https://app.example.com:8443/callback',
    'http://127.0.0.1:3000/callback',
    'http://localhost:3000/callback',
    'http://[::1]:3000/callback',
    'com.example.app:/callback',
    'https://a.example/callback, https://b.example/callback',
  ])('may be %j', (uris) => {
    const expected = uris.split(',').map((uri) => uri.trim())
    expect(loadConfig({ REDIRECT_URIS: uris }).redirectUris).toEqual(expected.filter(Boolean))
  })

  // RFC 9700, section 4.1.
  it.each([
    'http://app.example.com/callback',
    'https://app.example.com',
    'https://APP.example.com/callback',
    'https://app.example.com:443/callback',
    'https://app.example.com/a/../callback',
    'https://app.example.com/callback?x=1',
    'https://app.example.com/callback?',
    'https://app.example.com/callback#x',
    'https://app.example.com\\callback',
    'https://somebody@app.example.com/callback',
    'https://аpp.example.com/callback',
    'https://*.example.com/*?',
    '//app.example.com/callback',
    '/callback',
    '*',
    'javascript:alert(1)',
    'data:text/html,x',
    'file:///etc/passwd',
    'blob:https://app.example.com/1',
    'app:/callback',
  ])('may not be %j', (uri) => {
    expect(problemsOf({ REDIRECT_URIS: uri })).toEqual([
      expect.stringMatching(/^REDIRECT_URIS must list/),
    ])
  })
})
