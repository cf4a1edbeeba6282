// What the server says with the account page, to browsers, to caches and to anyone who asks for other files.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sendBegin } from '../support/provider-sign-in.ts'
import { rawRequest, sendRaw } from '../support/raw-http.ts'
import { startServer, type TestServer } from '../support/server.ts'

const folder = mkdtempSync(join(tmpdir(), 'latchkey-brand-'))
const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
)
const svg = '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'

function write(name: string, content: string | Buffer): string {
  const file = join(folder, name)
  writeFileSync(file, content)
  return file
}

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(async () => {
  await server.close()
  rmSync(folder, { recursive: true, force: true })
})

/** The files that a page asks for. */
function referredBy(html: string): string[] {
  return Array.from(html.matchAll(/(?:src|href)="([^"]+)"/g), ([, path]) => path!)
}

async function htmlOf({ url }: TestServer): Promise<string> {
  return (await fetch(`${url}/`)).text()
}

describe('the account page', () => {
  it.each(['/', '/callback', '/callback?code=a&state=b', '/?any'])(
    'is at %s, under a policy that allows nothing inline and no one else',
    async (path) => {
      const response = await fetch(server.url + path)
      expect(response.status).toBe(200)
      expect(Object.fromEntries(response.headers)).toMatchObject({
        'content-type': 'text/html; charset=utf-8',
        'cache-control': 'no-store',
        'cross-origin-opener-policy': 'same-origin',
        'cross-origin-resource-policy': 'same-origin',
        'referrer-policy': 'no-referrer',
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
      })
      const policy = response.headers.get('content-security-policy')!
      expect(Object.fromEntries(policy.split('; ').map((text) => text.split(/ (.*)/)))).toEqual({
        'default-src': "'none'",
        'script-src': "'self'",
        'style-src': "'self'",
        'img-src': "'self'",
        'connect-src': "'self'",
        'base-uri': "'none'",
        'form-action': "'none'",
        'frame-ancestors': "'none'",
        'require-trusted-types-for': "'script'",
        'trusted-types': "'none'",
      })
      const html = await response.text()
      expect(html).toContain('<title>Latchkey</title>')
      expect(html).not.toMatch(/<script(?![^>]* src=)|<style|\sstyle=|\son\w+=|https?:\/\/|data:/)
    },
  )

  it('has files whose names change with their content, kept for good', async () => {
    const paths = referredBy(await htmlOf(server))
    expect(paths.map((path) => path.replace(/^.*\./, ''))).toEqual(
      expect.arrayContaining(['css', 'js', 'svg']),
    )
    for (const path of paths) {
      expect(path).toMatch(/^\/assets\/[\w.]+-[\w-]{8}\.(css|js|svg)$/)
      const { headers, status } = await fetch(server.url + path)
      expect(status).toBe(200)
      expect(headers.get('cache-control')).toBe('public, max-age=31536000, immutable')
      expect(headers.get('content-type')).toMatch(/^(text\/(css|javascript)|image\/svg\+xml)/)
      expect(headers.get('x-content-type-options')).toBe('nosniff')
      expect(headers.get('content-security-policy')).toContain("default-src 'none'")
    }
  })

  it('answers HEAD as GET, without the body', async () => {
    const html = await htmlOf(server)
    for (const path of ['/', '/callback', ...referredBy(html)]) {
      const [head, get] = await Promise.all(
        ['HEAD', 'GET'].map((method) =>
          fetch(server.url + path, { method, headers: { 'accept-encoding': 'identity' } }),
        ),
      )
      expect(head!.status).toBe(200)
      const length = Buffer.from(await get!.arrayBuffer()).length
      expect(head!.headers.get('content-length')).toBe(String(length))
      expect(await head!.text()).toBe('')
    }
  })

  it.each([
    ['br', 'br'],
    ['gzip, deflate, br, zstd', 'br'],
    ['gzip', 'gzip'],
    ['GZIP;q=0.5, br;q=0', 'gzip'],
    ['br;q=0.000, gzip; q=0', undefined],
    ['identity', undefined],
    ['*', undefined],
    ['brotli', undefined],
  ])('comes compressed to who says Accept-Encoding: %s', async (accepted, encoding) => {
    const script = referredBy(await htmlOf(server)).find((path) => path.endsWith('.js'))!
    const plain = await fetch(server.url + script, { headers: { 'accept-encoding': 'identity' } })
    const response = await fetch(server.url + script, { headers: { 'accept-encoding': accepted } })
    expect(response.headers.get('content-encoding') ?? undefined).toBe(encoding)
    expect(response.headers.get('vary')).toMatch(/\bAccept-Encoding\b/)
    const sizes = [response, plain].map(({ headers }) => Number(headers.get('content-length')))
    expect(sizes[0]! * 2 < sizes[1]!).toBe(encoding !== undefined)
    expect(await response.text()).toBe(await plain.text())
  })

  it.each([
    '/assets/',
    '/assets',
    '/assets/absent.js',
    '/assets/index.html',
    '/assets/__proto__',
    '/assets/constructor',
    '/assets/../package.json',
    '/assets/../../package.json',
    '/assets/..%2f..%2fpackage.json',
    '/assets/%2e%2e/%2e%2e/package.json',
    '/assets/..%5c..%5cpackage.json',
    '/assets/%252e%252e%252fpackage.json',
    '/assets/%00',
    '/assets//etc/passwd',
    '//assets/index.html',
    '/index.html',
    '/../package.json',
    '/callback/',
    '/CALLBACK',
  ])('is nothing else: %s', async (path) => {
    const { body, headers, status } = await sendRaw(server.url, rawRequest(`GET ${path}`, []))
    expect(status).toBe(404)
    expect(headers.get('cache-control')).toBe('no-store')
    expect(JSON.parse(body).errors[0].extensions.code).toBe('BAD_REQUEST')
  })

  it('has no file for the names of its compressed files', async () => {
    for (const path of referredBy(await htmlOf(server))) {
      for (const suffix of ['.br', '.gz', '.map']) {
        expect((await fetch(server.url + path + suffix)).status).toBe(404)
      }
    }
  })

  it.each(['POST', 'PUT', 'DELETE'])('does not take %s', async (method) => {
    const response = await fetch(`${server.url}/`, { method })
    expect(response.status).toBe(405)
    expect(response.headers.get('allow')).toBe('GET')
  })

  it('is not there if it is turned off', async () => {
    const off = await startServer({ ACCOUNT_PAGE: 'off' })
    for (const path of ['/', '/callback', ...referredBy(await htmlOf(server))]) {
      const response = await fetch(off.url + path)
      expect(response.status).toBe(404)
      expect(await response.json()).toHaveProperty('errors')
    }
    expect((await fetch(`${off.url}/`, { method: 'POST' })).status).toBe(404)
  })

  it('says whether one can register', async () => {
    const closed = await startServer({ REGISTRATION: 'closed' })
    expect(await htmlOf(server)).toContain('<meta name="registration" content="open">')
    expect(await htmlOf(closed)).toContain('<meta name="registration" content="closed">')
  })

  it('keeps out of the log what stands in its address', async () => {
    await fetch(`${server.url}/callback?code=canary-code&state=canary-state`)
    expect(server.logText()).toContain('"path":"/callback"')
    expect(server.logText()).not.toContain('canary')
  })
})

describe('the name of the operator', () => {
  it.each([
    '"><script>alert(1)</script>',
    "' onload='alert(1)",
    '</title><script src=//evil.test></script>',
    '<!-- configuration -->',
    '$&$`$1',
    '&lt;b&gt; &amp; Söhne',
    'Ärzte 東京 🔑',
  ])('is text, whatever it is: %s', async (name) => {
    const branded = await startServer({ BRAND_NAME: name })
    const html = await htmlOf(branded)
    const [, title] = /<title>(.*?)<\/title>/s.exec(html)!
    const [, meta] = /<meta name="brand-name" content="([^"]*)">/.exec(html)!
    for (const written of [title!, meta!]) {
      expect(written).not.toMatch(/[<>"]/)
      expect(unescape(written)).toBe(name)
    }
    // But for the two places, the page is the same as without it.
    const plain = (await htmlOf(server)).replaceAll('Latchkey', '')
    expect(html.replaceAll(title!, '')).toBe(plain)
  })

  function unescape(text: string): string {
    return text
      .replaceAll('&lt;', '<')
      .replaceAll('&gt;', '>')
      .replaceAll('&quot;', '"')
      .replaceAll('&amp;', '&')
  }
})

describe('the logo of the operator', () => {
  it.each([
    ['logo.png', png, 'image/png'],
    ['LOGO.SVG', svg, 'image/svg+xml'],
  ])('is served by us, and is only a picture: %s', async (name, content, type) => {
    const branded = await startServer({ BRAND_LOGO: write(name, content) })
    const [, path] = /<meta name="brand-logo" content="([^"]*)">/.exec(await htmlOf(branded))!
    expect(path).toMatch(/^\/assets\/logo-[\w-]{8}\.(png|svg)$/)
    const response = await fetch(branded.url + path!)
    expect(response.headers.get('content-type')).toBe(type)
    expect(response.headers.get('content-security-policy')).toMatch(
      /^default-src 'none'; .*sandbox$/,
    )
    expect(Buffer.from(await response.arrayBuffer())).toEqual(Buffer.from(content))
  })

  it.each([
    ['is not there', () => join(folder, 'absent.png'), 'cannot be read'],
    ['is no image', () => write('text.png', 'hello'), 'not what its name says'],
    ['is no drawing', () => write('text.svg', 'hello'), 'not what its name says'],
    ['is too large', () => write('large.png', Buffer.concat([png, Buffer.alloc(2 ** 18)])), '256'],
  ])('stops the start if it %s', async (_what, file, message) => {
    await expect(startServer({ BRAND_LOGO: file() })).rejects.toThrow(message)
  })
})

describe("the page's redirect URI", () => {
  const origin = 'https://login.example'
  const issuer = {
    OIDC_ACME_ISSUER: 'http://127.0.0.1:9',
    OIDC_ACME_CLIENT_ID: 'a',
    OIDC_ACME_CLIENT_SECRET: 'b',
  }

  it('needs no entry in REDIRECT_URIS, and lets no other one in', async () => {
    const { client } = await startServer({ PUBLIC_URL: origin, ...issuer })
    const allowed = await sendBegin(client, 'acme', `${origin}/callback`)
    // On the list: it fails at the provider, if no one is.
    expect(allowed.errors![0]!.extensions.code).toBe('PROVIDER_ERROR')
    for (const uri of [
      `${origin}/`,
      `${origin}/callback/`,
      `${origin}/callback?a`,
      `${origin}/Callback`,
      `${origin}:443/callback`,
      `${origin}.evil.test/callback`,
      'http://login.example/callback',
      'https://evil.test/callback',
    ]) {
      const refused = await sendBegin(client, 'acme', uri)
      expect(refused.errors![0]!.extensions).toMatchObject({
        code: 'BAD_USER_INPUT',
        field: 'redirectUri',
      })
    }
  })

  it('is refused if there is no page', async () => {
    const { client } = await startServer({ PUBLIC_URL: origin, ACCOUNT_PAGE: 'off', ...issuer })
    const refused = await sendBegin(client, 'acme', `${origin}/callback`)
    expect(refused.errors![0]!.extensions.code).toBe('BAD_USER_INPUT')
  })
})

describe('one machine under two names', () => {
  it('leads to the one that PUBLIC_URL has, since the other does not know what was started', async () => {
    const { url } = await startServer({ PUBLIC_URL: 'http://localhost:4000' })
    const ask = (host: string, path = '/callback?code=a%20b&state=c') =>
      sendRaw(url, `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)
    for (const host of ['127.0.0.1:4000', '[::1]:4000', '127.0.0.2:4000']) {
      const { headers, status } = await ask(host)
      expect(status).toBe(307)
      expect(headers.get('location')).toBe('http://localhost:4000/callback?code=a%20b&state=c')
    }
    // Another port may be a tunnel, another name a proxy: both know what they do.
    for (const host of ['localhost:4000', '127.0.0.1:5000', 'evil.test', 'evil.test:4000', '@']) {
      expect((await ask(host)).status).not.toBe(307)
    }
  })

  it('leads nowhere from a public server', async () => {
    const { url } = await startServer({ PUBLIC_URL: 'https://login.example' })
    expect((await fetch(`${url}/`, { redirect: 'manual' })).status).toBe(200)
  })
})

it('is built without anything of the server, and without a map to its sources', async () => {
  const paths = referredBy(await htmlOf(server)).filter((path) => /\.(js|css)$/.test(path))
  for (const path of paths) {
    const text = await (await fetch(server.url + path)).text()
    // The last is what React has only if it is built for development.
    const foreign = ['sourceMappingURL', '@mikro-orm', 'type-graphql', 'APP_SECRET', 'DevTools']
    expect(foreign.filter((word) => text.includes(word))).toEqual([])
  }
  const { devDependencies } = JSON.parse(
    readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
  ) as { devDependencies: Record<string, string> }
  expect(Object.keys(devDependencies)).toEqual(
    expect.arrayContaining(['react', 'react-dom', 'vite', 'bowser', 'simple-icons']),
  )
})
