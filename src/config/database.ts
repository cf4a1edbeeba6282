/** The URLs of databases: `DATABASE_URL` and `DATABASE_REPLICA_URLS`. */
import { Problem } from './problem.ts'

/** How the connection to a PostgreSQL server is encrypted; the names are those of libpq. */
export interface DatabaseTls {
  /**
   * `require` encrypts and believes any certificate; `verify-ca` wants one of the authority in
   * `rootCertificateFile`; `verify-full` wants it to be for the host, too.
   */
  readonly mode: 'disable' | 'require' | 'verify-ca' | 'verify-full'
  /** Absent: the authorities that Node knows. */
  readonly rootCertificateFile?: string
  /** The certificate by which the server may know us. */
  readonly client?: { readonly certificateFile: string; readonly keyFile: string }
}

export interface PostgresqlServer {
  /** Without what is in `tls` and `settings`. */
  readonly url: string
  /** What the URL's `options` set, by name: each connection sets it once it is open. */
  readonly settings: Readonly<Record<string, string>>
  /** Undefined if the URL does not set sslmode: not encrypted. */
  readonly tls: DatabaseTls | undefined
}

export type DatabaseConfig =
  | { readonly engine: 'sqlite'; readonly file: string }
  | (PostgresqlServer & {
      readonly engine: 'postgresql'
      /** Connections to each server, at most. */
      readonly poolSize: number
      /** Servers that follow the first one, a moment behind. */
      readonly replicas: readonly PostgresqlServer[]
      /** Absent: the first schema of the role's search path. */
      readonly schema: string | undefined
    })

const tlsModes = ['disable', 'require', 'verify-ca', 'verify-full'] as const
const tlsParameters = ['sslmode', 'sslrootcert', 'sslcert', 'sslkey']
/** Anything else would be ignored, or would take the place of the timeouts that are set. */
const otherParameters = ['application_name', 'host', 'options']

/** What each connection sets, for the promises that Latchkey makes; `options` cannot. */
export const reservedSettings = [
  'statement_timeout',
  'lock_timeout',
  'idle_in_transaction_session_timeout',
  'synchronous_commit',
] as const

const serverUrlRule =
  'must be postgres://user:password@host:port/database, with special characters such as @ / # ? in user and password percent-encoded'
const urlRule = serverUrlRule.replace('must be', 'must be sqlite:<file> or')

/** @throws Problem */
export function parseDatabaseUrl(
  text: string,
): { engine: 'sqlite'; file: string } | (PostgresqlServer & { engine: 'postgresql' }) {
  if (!text.startsWith('sqlite:')) {
    return { engine: 'postgresql', ...parsePostgresqlUrl(text, urlRule) }
  }
  const file = text.slice('sqlite:'.length).replace(/^\/\/(?=\/)/, '')
  // Two slashes may be meant as none or as one: sqlite:data/a.db, sqlite:///var/a.db.
  if (file === '' || /^\/\/|:memory:|\?/.test(file)) throw new Problem(urlRule)
  return { engine: 'sqlite', file }
}

/**
 * @param rule the problem if the text is not such a URL at all
 * @throws Problem
 */
export function parsePostgresqlUrl(text: string, rule = serverUrlRule): PostgresqlServer {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url || !/^postgres(ql)?:$/.test(url.protocol) || !isWhole(url)) {
    throw new Problem(rule)
  }
  const allowed = [...tlsParameters, ...otherParameters]
  const names = [...url.searchParams.keys()]
  if (names.some((name) => !allowed.includes(name)) || new Set(names).size < names.length) {
    throw new Problem(`may have, each once, the parameters ${allowed.join(', ')}`)
  }
  const tls = readTls(url.searchParams)
  const settings = readOptions(url.searchParams.get('options') ?? '')
  for (const name of [...tlsParameters, 'options']) url.searchParams.delete(name)
  return { url: url.href, tls, settings }
}

/** A password with a raw `/`, `?` or `#` cuts the URL short, or leaves its end in the database's name. */
function isWhole(url: URL): boolean {
  return (
    isDecodable(url.href) &&
    url.hash === '' &&
    !url.href.endsWith('#') &&
    /^\/[^/@]+$/.test(url.pathname)
  )
}

/**
 * The server's command line as libpq takes it. No pooler passes that on, so it is read here, and only
 * what a connection can set later is allowed.
 */
function readOptions(text: string): Record<string, string> {
  const settings: Record<string, string> = {}
  // A backslash takes the next character as it is.
  const words = text.match(/(?:\\.|[^\s\\])+/gs) ?? []
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index] === '-c' ? `-c${words[(index += 1)] ?? ''}` : words[index]!
    const setting = /^(?:-c|--)([a-z][\w.-]*)=(.*)$/is.exec(word.replaceAll(/\\(.)/gs, '$1'))
    if (!setting) {
      throw new Problem('may have options of the form -c name=value, and no others')
    }
    settings[setting[1]!.toLowerCase().replaceAll('-', '_')] = setting[2]!
  }
  const reserved = reservedSettings.filter((name) => name in settings)
  if (reserved.length > 0) {
    throw new Problem(
      `may not set ${reserved.join(', ')} in its options: Latchkey sets that itself, on every connection`,
    )
  }
  return settings
}

function readTls(parameters: URLSearchParams): DatabaseTls | undefined {
  const [sslmode, rootCertificate, certificateFile, keyFile] = tlsParameters.map(
    (name) => parameters.get(name) ?? undefined,
  )
  if (sslmode === undefined) {
    if (rootCertificate ?? certificateFile ?? keyFile) {
      throw new Problem('has certificates, so it must have sslmode, too')
    }
    return undefined
  }
  const mode = tlsModes.find((name) => name === sslmode)
  if (!mode) {
    // prefer and allow fall back to plain text if an attacker on the network wants them to.
    throw new Problem(`must have one of ${tlsModes.join(', ')} as its sslmode`)
  }
  if ((certificateFile === undefined) !== (keyFile === undefined)) {
    throw new Problem('must have both sslcert and sslkey, or neither')
  }
  if (mode === 'verify-ca' && (rootCertificate ?? 'system') === 'system') {
    throw new Problem(
      'must have sslrootcert=<file> with sslmode=verify-ca: anyone can get a certificate from a public authority. Or use verify-full',
    )
  }
  const rootCertificateFile = rootCertificate === 'system' ? undefined : rootCertificate
  return {
    // As libpq does it: an authority that is named has to be checked.
    mode: mode === 'require' && rootCertificateFile !== undefined ? 'verify-ca' : mode,
    ...(rootCertificateFile !== undefined && { rootCertificateFile }),
    ...(certificateFile !== undefined &&
      keyFile !== undefined && { client: { certificateFile, keyFile } }),
  }
}

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text)
    return true
  } catch {
    return false
  }
}
