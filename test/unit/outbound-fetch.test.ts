import { describe, expect, it, vi } from 'vitest'
import { OutboundError, boundedFetch } from '../../src/features/providers/outbound-fetch.ts'

const { signal } = new AbortController()

/** Calls the address, and says whether anything would have left this machine. */
async function call(address: string, isLoopbackAllowed: boolean): Promise<boolean> {
  const fetch = vi.fn<typeof globalThis.fetch>(async () => new Response('{}'))
  const bounded = boundedFetch(fetch, isLoopbackAllowed, signal)
  const options = { method: 'GET', body: undefined, headers: {}, redirect: 'manual' as const }
  try {
    await bounded(address, options)
  } catch (error) {
    if (!(error instanceof OutboundError)) throw error
  }
  return fetch.mock.calls.length === 1
}

// Directus CVE-2026-61835 (0.0.0.0) and CVE-2026-35409 (IPv4 in IPv6); WHATWG URL makes the first of
// these one and the same.
const inside = [
  'http://127.0.0.1/',
  'https://127.0.0.1/',
  'https://127.0.0.1./',
  'https://127.1/',
  'https://127.255.255.254/',
  'https://2130706433/',
  'https://0x7f.1/',
  'https://0177.0.0.1/',
  'https://%31%32%37.0.0.1/',
  'https://１２７.０.０.１/',
  'https://①②⑦.0.0.1/',
  'https://0/',
  'https://0.0.0.0/',
  'https://[::]/',
  'https://[::1]/',
  'https://[0:0:0:0:0:0:0:1]/',
  'https://[::127.0.0.1]/',
  'https://[::ffff:127.0.0.1]/',
  'https://[::ffff:7f00:1]/',
  'https://[::ffff:169.254.169.254]/',
  'https://[64:ff9b::7f00:1]/',
  'https://localhost/',
  'https://LOCALHOST/',
  'https://localhost./',
  'https://ｌocalhost/',
  'https://app.localhost/',
  'https://app.localhost./',
]
const elsewhere = [
  'https://10.0.0.1/',
  'https://172.16.0.1/',
  'https://192.168.0.1/',
  'https://100.64.0.1/',
  'https://169.254.169.254/latest/meta-data/',
  'https://[fd00:ec2::254]/',
  'https://[fe80::1]/',
  'https://198.51.100.1/',
  'http://issuer.example/',
  'http://127.0.0.1.issuer.example/',
  'ftp://issuer.example/',
  'file:///etc/passwd',
  'data:application/json,{}',
  'blob:https://issuer.example/1',
]

describe('a call to a provider on the internet', () => {
  it.each([...inside, ...elsewhere])('is not made to %s', async (address) => {
    expect(await call(address, false)).toBe(false)
  })

  it.each([
    'https://issuer.example/token',
    'https://issuer.example:8443/token',
    'https://issuer/token',
    'https://127.issuer.example/token',
    'https://127.0.0.1.issuer.example/token',
    'https://localhost.issuer.example/token',
    'https://notlocalhost/token',
  ])('is made to %s', async (address) => {
    expect(await call(address, false)).toBe(true)
  })
})

describe('a call to a provider on this machine', () => {
  it.each([
    'http://127.0.0.1:1/',
    'http://localhost:1/',
    'http://[::1]:1/',
    'https://127.0.0.1:1/',
  ])('is made to %s', async (address) => {
    expect(await call(address, true)).toBe(true)
  })

  it.each([...elsewhere, 'http://0.0.0.0/', 'http://[::ffff:7f00:1]/'])(
    'is not made to %s',
    async (address) => {
      expect(await call(address, true)).toBe(false)
    },
  )
})
