/** An authority of our own, and the certificates that it signs. */
// x509 wants it to be there first.
import 'reflect-metadata'
import * as x509 from '@peculiar/x509'

export interface Certificate {
  /** PEM. */
  readonly certificate: string
  /** PEM, PKCS #8. */
  readonly key: string
  /** Without colons, in lower case. */
  readonly serialNumber: string
}

export interface Authority {
  /** Its own certificate, PEM. */
  readonly certificate: string
  /** @param names host names and addresses that the certificate is for */
  sign(names: readonly string[], subject?: string): Promise<Certificate>
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const day = 24 * 60 * 60 * 1000
let serialNumbers = 0x1000

export async function createAuthority(name: string): Promise<Authority> {
  const keys = await makeKeys()
  const own = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: nextSerialNumber(),
    name: `CN=${name}`,
    ...validity(),
    keys,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
    ],
  })
  return {
    certificate: own.toString('pem'),
    sign: async (names, subject = names[0]) => {
      const { privateKey, publicKey } = await makeKeys()
      const serialNumber = nextSerialNumber()
      const certificate = await x509.X509CertificateGenerator.create({
        serialNumber,
        subject: `CN=${subject}`,
        issuer: own.subject,
        ...validity(),
        publicKey,
        signingKey: keys.privateKey,
        signingAlgorithm: algorithm,
        extensions: [
          new x509.SubjectAlternativeNameExtension(
            names.map((value) => ({
              type: /^[\d.]+$/.test(value) ? ('ip' as const) : ('dns' as const),
              value,
            })),
          ),
        ],
      })
      const pkcs8 = Buffer.from(await crypto.subtle.exportKey('pkcs8', privateKey))
      return {
        certificate: certificate.toString('pem'),
        key: x509.PemConverter.encode(pkcs8, 'PRIVATE KEY'),
        serialNumber,
      }
    },
  }
}

function makeKeys(): Promise<CryptoKeyPair> {
  return crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
}

function nextSerialNumber(): string {
  return (++serialNumbers).toString(16)
}

/** Some clocks are behind. */
function validity() {
  return { notBefore: new Date(Date.now() - day), notAfter: new Date(Date.now() + day) }
}
