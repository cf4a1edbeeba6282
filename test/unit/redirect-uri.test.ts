import { describe, expect, it } from 'vitest'
import { isAllowedRedirectUri } from '../../src/features/providers/redirect-uri.ts'

const allowed = [
  'https://app.example.com/callback',
  'http://127.0.0.1/callback',
  'http://[::1]/callback',
  'http://127.0.0.1:4010/fixed',
  'http://localhost/callback',
  'http://127.0.0.2/callback',
  'https://127.0.0.1/secure',
  'com.example.app:/callback',
]

describe('a redirect URI', () => {
  it.each([
    ...allowed,
    'http://127.0.0.1:51004/callback',
    'http://127.0.0.1:1/callback',
    'http://127.0.0.1:65535/callback',
    'http://[::1]:51004/callback',
  ])('is allowed: %s', (uri) => {
    expect(isAllowedRedirectUri(uri, allowed)).toBe(true)
  })

  it.each([
    // Other places.
    'http://127.0.0.1:51004/callback/',
    'http://127.0.0.1:51004/Callback',
    'http://127.0.0.1:51004/other',
    'http://127.0.0.1:51004',
    'http://127.0.0.1:51004/',
    'http://127.0.0.1:51004/callback?next=/',
    'http://127.0.0.1:51004/callback#x',
    'http://127.0.0.1:51004/x/../callback',
    'http://127.0.0.1:51004/%63allback',
    // Entries that are no loopback IP without a port.
    'http://127.0.0.1:51004/fixed',
    'http://localhost:51004/callback',
    'http://127.0.0.2:51004/callback',
    'https://127.0.0.1:51004/secure',
    'https://127.0.0.1:51004/callback',
    'https://app.example.com:51004/callback',
    'com.example.app:51004/callback',
    // Other hosts.
    'http://127.0.0.1.evil.example:51004/callback',
    'http://127.0.0.1:80@evil.example/callback',
    'http://127.0.0.1:51004@evil.example/callback',
    'http://127.0.0.1@evil.example:51004/callback',
    'http://user@127.0.0.1:51004/callback',
    'http://user:51004@127.0.0.1/callback',
    'http://evil.example/http://127.0.0.1:51004/callback',
    'http://evil.example#@127.0.0.1:51004/callback',
    'http://127.0.0.1:51004\\@evil.example/callback',
    'http://127.0.0.1\\@evil.example:51004/callback',
    'http:\\\\127.0.0.1:51004/callback',
    'http:127.0.0.1:51004/callback',
    'http:/127.0.0.1:51004/callback',
    '//127.0.0.1:51004/callback',
    // Other spellings of this one.
    'http://2130706433:51004/callback',
    'http://0x7f000001:51004/callback',
    'http://0177.0.0.1:51004/callback',
    'http://127.1:51004/callback',
    'http://127.0.0.01:51004/callback',
    'http://0.0.0.0:51004/callback',
    'http://[::ffff:127.0.0.1]:51004/callback',
    'http://[0:0:0:0:0:0:0:1]:51004/callback',
    'http://[::1%25lo]:51004/callback',
    'HTTP://127.0.0.1:51004/callback',
    'http://１２７.0.0.1:51004/callback',
    ' http://127.0.0.1:51004/callback',
    'http://127.0.0.1:51004/callback\n',
    'http://127.0.0.1:51004/call\tback',
    'http://127.0.0.1:51004/callback\0',
    // Ports that are none, or that a URL parser writes otherwise.
    'http://127.0.0.1:/callback',
    'http://127.0.0.1:80/callback',
    'http://127.0.0.1:0/callback',
    'http://127.0.0.1:051004/callback',
    'http://127.0.0.1:65536/callback',
    'http://127.0.0.1:99999/callback',
    'http://127.0.0.1:-1/callback',
    'http://127.0.0.1:5100４/callback',
    'http://127.0.0.1:51004:51004/callback',
    '',
  ])('is refused: %j', (uri) => {
    expect(isAllowedRedirectUri(uri, allowed)).toBe(false)
  })
})
