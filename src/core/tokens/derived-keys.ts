/** Keys derived from APP_SECRET, one for each purpose, and what is done with them. */
import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  hkdfSync,
  randomBytes,
  timingSafeEqual,
  type KeyObject,
} from 'node:crypto'

/** A text was encrypted under another secret, or was changed since. */
export class DecryptionError extends Error {
  override name = 'DecryptionError'
}

const nonceBytes = 12
const tagBytes = 16

export class DerivedKeys {
  // Key objects: of bytes Node makes one again at each use, which is dearer than the HMAC.
  readonly #refreshTokenKey: KeyObject
  readonly #encryptionKey: KeyObject

  /** @param appSecret at least 32 bytes of entropy */
  constructor(appSecret: string) {
    const derive = (purpose: string) =>
      createSecretKey(Buffer.from(hkdfSync('sha256', appSecret, 'latchkey', purpose, 32)))
    this.#refreshTokenKey = derive('refresh token v1')
    this.#encryptionKey = derive('encryption at rest v1')
  }

  /** HMAC-SHA-256 under the key for refresh tokens. */
  mac(data: Buffer): Buffer {
    return createHmac('sha256', this.#refreshTokenKey).update(data).digest()
  }

  /** Compares in constant time. */
  verifyMac(data: Buffer, mac: Buffer): boolean {
    const expected = this.mac(data)
    return mac.length === expected.length && timingSafeEqual(mac, expected)
  }

  /** AES-256-GCM with a random nonce. @param label bound to the text; needed again to decrypt */
  encrypt(text: string, label: string): string {
    const nonce = randomBytes(nonceBytes)
    const cipher = createCipheriv('aes-256-gcm', this.#encryptionKey, nonce).setAAD(
      Buffer.from(label),
    )
    const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
    return Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64url')
  }

  /** @throws DecryptionError */
  decrypt(encrypted: string, label: string): string {
    const bytes = Buffer.from(encrypted, 'base64url')
    try {
      const decipher = createDecipheriv(
        'aes-256-gcm',
        this.#encryptionKey,
        bytes.subarray(0, nonceBytes),
        { authTagLength: tagBytes },
      )
        .setAAD(Buffer.from(label))
        .setAuthTag(bytes.subarray(nonceBytes, nonceBytes + tagBytes))
      return (
        decipher.update(bytes.subarray(nonceBytes + tagBytes), undefined, 'utf8') +
        decipher.final('utf8')
      )
    } catch (cause) {
      throw new DecryptionError('It was encrypted under another secret, or changed since', {
        cause,
      })
    }
  }
}
