// What the account page works out without a browser: where to continue, what a device is called, what an error says.
import { describe, expect, it } from 'vitest'
import { AuthError, ErrorCode, NetworkError, TokenErrorReason } from '../../client/index.ts'
import { toServerError } from '../../client/errors.ts'
import { deviceName } from '../../web/device-name.ts'
import { localPath } from '../../web/local-path.ts'
import { describeProblem, describeSignedOut } from '../../web/problem.ts'

describe('where to continue after a sign-in', () => {
  it.each(['/', '/#devices', '/a/b?c=d&e=%20f#g', '/~user/file.html'])('may be %s', (path) => {
    expect(localPath(path)).toBe(path)
  })

  // OAU-15: open redirects through the address to return to.
  it.each([
    undefined,
    '',
    'https://evil.test',
    '//evil.test',
    '///evil.test',
    '/\\evil.test',
    '\\\\evil.test',
    '/\t/evil.test',
    '/\n/evil.test',
    ' //evil.test',
    '/.//evil.test',
    '/x/..//evil.test',
    '/%09/evil.test/..//x',
    'javascript:alert(1)',
    'data:text/html,<script>',
    '/@evil.test:80\\',
    'evil.test',
    '.evil.test',
    '@evil.test',
    '/<script>',
    '/%zz%',
  ])('is never elsewhere: %j', (target) => {
    const path = localPath(target)
    const url = new URL(path, 'https://login.example')
    expect(url.origin).toBe('https://login.example')
    expect(path).toMatch(/^\/(?![/\\])/)
  })
})

describe('a device', () => {
  it.each([
    [
      'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1',
      'Safari on iPhone',
    ],
    [
      'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 Safari/537.36',
      'Chrome on Mac',
    ],
    [
      'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 Safari/537.36 Edg/139.0.0.0',
      'Microsoft Edge on Windows',
    ],
    ['Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0', 'Firefox on Linux'],
    [
      'Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 Mobile Safari/537.36',
      'Chrome on Android',
    ],
    ['curl/8.5.0', 'curl'],
    ['okhttp/4.12', 'okhttp'],
    ['', 'Unknown device'],
    [null, 'Unknown device'],
    ['(nothing)', 'Unknown device'],
    ['x'.repeat(512), 'x'.repeat(40)],
  ])('that says %s', (userAgent, name) => {
    expect(deviceName(userAgent)).toBe(name)
  })
})

describe('an error', () => {
  const sentence = /^[A-Z].*[.:]$/s

  it.each(Object.values(ErrorCode))('has a sentence for people: %s', (code) => {
    const extensions = { code, reason: 'SESSION_ENDED', provider: 'acme', retryAfter: 7 }
    const error = new AuthError(toServerError({ message: 'The server says so.', extensions }))
    const { text } = describeProblem(error, new Map([['acme', 'Acme']]))
    expect(text).toMatch(sentence)
    expect(text).not.toMatch(/[A-Z]{2,}_|undefined|acme/)
  })

  it.each(Object.values(TokenErrorReason))('says why nobody is signed in: %s', (reason) => {
    const extensions = { code: 'UNAUTHENTICATED', reason }
    const error = new AuthError(toServerError({ message: 'No.', extensions }))
    expect(describeProblem(error).text).toMatch(sentence)
  })

  it('keeps what the page needs next to the sentence', () => {
    const of = (extensions: object) =>
      describeProblem(new AuthError(toServerError({ message: 'The rule.', extensions })))
    expect(of({ code: 'RATE_LIMITED', retryAfter: 7 })).toMatchObject({ retryAfter: 7 })
    expect(of({ code: 'BAD_USER_INPUT', field: 'newPassword' })).toEqual({
      text: 'The rule.',
      field: 'newPassword',
    })
    expect(of({ code: 'INTERNAL_SERVER_ERROR', requestId: 'abc' }).text).toContain('abc')
    expect(describeProblem(new NetworkError('gone')).canRetry).toBe(true)
    expect(describeProblem(new TypeError('a bug')).text).not.toContain('a bug')
  })

  it('tells users why they were signed out', () => {
    expect(describeSignedOut('SIGNED_OUT')).toBe('You are signed out.')
    expect(describeSignedOut('REFRESH_TOKEN_REUSED')).toMatch(/copied/)
    expect(describeSignedOut('SESSION_ENDED')).toMatch(/another device/)
    expect(describeSignedOut('ACCOUNT_DISABLED')).toMatch(/disabled/)
  })
})
