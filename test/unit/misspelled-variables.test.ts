import { describe, expect, it } from 'vitest'
import { misspelledVariables } from '../../src/config/misspelled.ts'
import { variables } from '../../src/config/variables.ts'

describe('a variable that no one reads', () => {
  it.each([
    ['ALLOWED_ORIGIN', 'ALLOWED_ORIGINS'],
    ['TRUSTPROXY', 'TRUST_PROXY'],
    ['trust_proxy', 'TRUST_PROXY'],
    ['TRUST-PROXY', 'TRUST_PROXY'],
    ['TRUST_PORXY', 'TRUST_PROXY'],
    ['\ufeffDATABASE_URL', 'DATABASE_URL'],
    ['DATABASE_URI', 'DATABASE_URL'],
    ['DATBASE_URL', 'DATABASE_URL'],
    ['APPSECRET', 'APP_SECRET'],
    ['APP_SECRET_FILE', 'APP_SECRET'],
    ['LATCHKEY_TRUST_PROXY', 'TRUST_PROXY'],
    ['LATCHKEY_PORT', 'PORT'],
    ['LATCHKEY_ALLOWED_ORIGIN', 'ALLOWED_ORIGINS'],
    ['WORKER', 'WORKERS'],
    ['port', 'PORT'],
    ['REDIRECT_URI', 'REDIRECT_URIS'],
    ['GOOGLE_CLIENTID', 'GOOGLE_CLIENT_ID'],
    ['GITHUB_CLIENT_SECERT', 'GITHUB_CLIENT_SECRET'],
    ['MICROSOFT_TENNANT', 'MICROSOFT_TENANT'],
    ['OIDC_ACME_CLIENTID', 'OIDC_ACME_CLIENT_ID'],
    ['OIDC_ACME_CLIENT_SECERT', 'OIDC_ACME_CLIENT_SECRET'],
    ['OIDC_MY_IDP_ISUER', 'OIDC_MY_IDP_ISSUER'],
    ['OIDC_acme_ISSUER', 'OIDC_ACME_ISSUER'],
    ['OIDC-ACME-ISSUER', 'OIDC_ACME_ISSUER'],
    ['OIDC_ISSUER', 'OIDC_<NAME>_ISSUER'],
  ])('is reported when it looks like one of ours: %s', (name, meant) => {
    expect(misspelledVariables({ [name]: 'canary' })).toEqual([
      `${name} is not a variable of Latchkey and was not read. Did you mean ${meant}?`,
    ])
  })

  it('is not reported when another program may read it', () => {
    const others = {
      ...Object.fromEntries(Object.keys(variables).map((name) => [name, 'x'])),
      OIDC_ACME_ISSUER: 'x',
      OIDC_MY_IDP_CLIENT_ID: 'x',
      APPLE_PRIVATE_KEY: 'x',
      HOSTNAME: 'x',
      HOSTS: 'x',
      PORTS: 'x',
      NODE_ENV: 'x',
      POSTGRES_PASSWORD: 'x',
      GITHUB_TOKEN: 'x',
      GITHUB_SHA: 'x',
      GITHUB_ACTIONS: 'x',
      SSL_CERT_FILE: 'x',
      OIDC_CLIENT_TOKEN: 'x',
      npm_config_loglevel: 'x',
      LATCHKEY_SERVICE_HOST: '10.0.0.1',
      LATCHKEY_PORT: 'tcp://10.0.0.1:4000',
      LATCHKEY_PORT_4000_TCP_PORT: '4000',
      // The right one is set too, so this is perhaps another program's.
      PUBLIC_URI: 'x',
      TRUSTPROXY: '',
    }
    expect(misspelledVariables(others)).toEqual([])
  })
})
