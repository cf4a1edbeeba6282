/** The parts of a PostgreSQL server's URL, read in one way for the driver, PostgreSQL's programs and the banner. */

export interface PostgresqlAddress {
  /** A name, an IP address without brackets, or the folder of a socket. */
  readonly host: string
  readonly port: number
  /** Empty: the name of the system's user. */
  readonly user: string
  readonly password: string
  readonly database: string
  readonly applicationName: string
}

export function addressOf(url: string): PostgresqlAddress {
  const { hostname, password, pathname, port, searchParams, username } = new URL(url)
  const host = searchParams.get('host') ?? decodeURIComponent(hostname).replace(/^\[(.*)\]$/, '$1')
  return {
    host: host || 'localhost',
    port: Number(port || 5432),
    user: decodeURIComponent(username),
    password: decodeURIComponent(password),
    database: decodeURIComponent(pathname.slice(1)),
    applicationName: searchParams.get('application_name') ?? 'latchkey',
  }
}
