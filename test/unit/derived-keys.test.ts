import { createDecipheriv, createHmac, hkdfSync } from 'node:crypto'
import { expect, it } from 'vitest'
import { DerivedKeys } from '../../src/core/tokens/derived-keys.ts'

const appSecret = 'a'.repeat(32)
/** RFC 5869, with a purpose that every version of the server has to keep. */
const keyFor = (purpose: string) =>
  Buffer.from(hkdfSync('sha256', appSecret, 'latchkey', purpose, 32))

it('refresh tokens are authenticated with a key of their own, which stays the same', () => {
  const body = Buffer.from('the body of a refresh token')
  const mac = (purpose: string) => createHmac('sha256', keyFor(purpose)).update(body).digest()
  const derivedKeys = new DerivedKeys(appSecret)
  expect(derivedKeys.verifyMac(body, mac('refresh token v1'))).toBe(true)
  expect(derivedKeys.verifyMac(body, mac('encryption at rest v1'))).toBe(false)
})

it('texts are encrypted with a key of their own, which stays the same', () => {
  const bytes = Buffer.from(new DerivedKeys(appSecret).encrypt('a text', 'its label'), 'base64url')
  const decipher = createDecipheriv(
    'aes-256-gcm',
    keyFor('encryption at rest v1'),
    bytes.subarray(0, 12),
    { authTagLength: 16 },
  )
  decipher.setAAD(Buffer.from('its label')).setAuthTag(bytes.subarray(12, 28))
  expect(decipher.update(bytes.subarray(28), undefined, 'utf8') + decipher.final('utf8')).toBe(
    'a text',
  )
})
