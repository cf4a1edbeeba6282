/** What several readers want to know of a PostgreSQL server's URL. */

/** A name, an address without brackets, or the folder of a socket; empty where the URL has none. */
export function hostOf(url: string): string {
  const { hostname, searchParams } = new URL(url)
  return searchParams.get('host') ?? decodeURIComponent(hostname).replace(/^\[(.*)\]$/, '$1')
}
