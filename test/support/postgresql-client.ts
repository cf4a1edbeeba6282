/** Connections to a PostgreSQL server for one piece of work. */
import { Client } from 'pg'

/** The database of the tests' server that the others are copied from. */
export const migratedDatabase = 'migrated'

export async function withClient<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

/** @returns the rows of the last statement */
export function queryPostgresql(
  url: string,
  ...statements: string[]
): Promise<Record<string, unknown>[]> {
  return withClient(url, async (client) => {
    let rows: Record<string, unknown>[] = []
    for (const statement of statements) ({ rows } = await client.query(statement))
    return rows
  })
}

/** Makes an empty database. @returns its URL */
export async function createDatabaseAt(serverUrl: string, name: string): Promise<string> {
  await queryPostgresql(serverUrl, `create database ${name}`)
  return Object.assign(new URL(serverUrl), { pathname: `/${name}` }).href
}
