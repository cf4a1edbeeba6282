/** The certificate of a server that speaks TLS itself. Certificates are renewed while it runs. */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Server, ServerOptions } from 'node:https'
import { createSecureContext, type SecureContext } from 'node:tls'
import type { Logger } from '../logging/logger.ts'

export interface CertificateFiles {
  /** The certificate, and behind it those that lead to its authority. PEM. */
  readonly certificateFile: string
  readonly keyFile: string
}

/** The certificate cannot be used; the message says what to do about it. */
export class ServerCertificateError extends Error {
  override name = 'ServerCertificateError'
}

interface Pair {
  readonly cert: string
  readonly key: string
}

const reasons: Record<string, string> = {
  ENOENT: 'it is not there',
  ENOTDIR: 'it is not there',
  EACCES: 'this user may not read it',
  EPERM: 'this user may not read it',
  EISDIR: 'it is a folder',
}

export class ServerCertificate {
  readonly #files: CertificateFiles
  readonly #log: Logger
  readonly #servers = new Set<Server>()
  #pair: Pair
  #context: SecureContext

  /** @throws ServerCertificateError */
  constructor(files: CertificateFiles, log: Logger) {
    this.#files = files
    this.#log = log
    this.#pair = readPair(files)
    this.#context = createSecureContext(this.#pair)
    this.#warnOfEnd()
  }

  /** For `https.createServer`. */
  get options(): ServerOptions {
    return {
      ...this.#pair,
      minVersion: 'TLSv1.2',
      // Asked at each handshake, by every server that was made with these options.
      SNICallback: (_name, done) => done(null, this.#context),
    }
  }

  /** Has a server use the newest certificate for clients that name no host, too. */
  keepUpToDate(server: Server): void {
    this.#servers.add(server)
  }

  /** Takes what the files hold now, for connections that start from here on. What is wrong with it is logged. */
  reload(): void {
    try {
      const pair = readPair(this.#files)
      if (pair.cert === this.#pair.cert && pair.key === this.#pair.key) return
      this.#context = createSecureContext(pair)
      for (const server of this.#servers) server.setSecureContext(pair)
      this.#pair = pair
      this.#log.info(
        { validTo: new X509Certificate(pair.cert).validToDate },
        'The certificate was renewed',
      )
    } catch (error) {
      // Perhaps only one of the two files has been written yet.
      this.#log.error({ err: error }, 'The new certificate cannot be used: the old one stays')
    }
    this.#warnOfEnd()
  }

  #warnOfEnd(): void {
    const { validToDate } = new X509Certificate(this.#pair.cert)
    if (validToDate.getTime() < Date.now()) {
      this.#log.warn({ validTo: validToDate }, 'The certificate has expired')
    }
  }
}

/** @throws ServerCertificateError */
function readPair({ certificateFile, keyFile }: CertificateFiles): Pair {
  const cert = read('TLS_CERT', certificateFile)
  const key = read('TLS_KEY', keyFile)
  const certificate = wrapError(
    `${certificateFile}, of TLS_CERT, is no certificate in PEM format`,
    () => new X509Certificate(cert),
  )
  const privateKey = wrapError(
    `${keyFile}, of TLS_KEY, is no private key in PEM format without a passphrase`,
    () => createPrivateKey(key),
  )
  if (!certificate.checkPrivateKey(privateKey)) {
    throw new ServerCertificateError(
      `The key in ${keyFile} does not fit the certificate in ${certificateFile}: TLS_KEY and TLS_CERT must be of the same pair, the server's own certificate first in its file.`,
    )
  }
  return wrapError(`${certificateFile}, of TLS_CERT, cannot be used`, () => {
    createSecureContext({ cert, key })
    return { cert, key }
  })
}

function read(variable: string, file: string): string {
  try {
    // Without a byte order mark, before which OpenSSL finds no PEM.
    return readFileSync(file, 'utf8').trim()
  } catch (error) {
    const code = String((error as NodeJS.ErrnoException).code)
    throw new ServerCertificateError(
      `${file}, of ${variable}, cannot be read: ${reasons[code] ?? code}.`,
      { cause: error },
    )
  }
}

/** OpenSSL's words may quote the file: they are kept as the cause. */
function wrapError<T>(message: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw new ServerCertificateError(`${message}.`, { cause: error })
  }
}
