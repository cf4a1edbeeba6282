/** The providers that the server has, and what has become of identities of their former issuers. */
import { sql } from 'kysely'
import type { ProviderSettings } from '../../config/providers.ts'
import type { Database } from '../../database/database.ts'
import { definitionOf } from './definitions/catalogue.ts'
import type { Fetch } from './outbound-fetch.ts'
import { ProviderClient } from './provider-client.ts'

/** @returns the clients by their ids */
export function createProviderClients(
  list: readonly ProviderSettings[],
  options: { fetch: Fetch; clock: () => number; timeoutMilliseconds?: number | undefined },
): Map<string, ProviderClient> {
  return new Map(
    list.map((settings) => {
      const { formerUrl, id } = settings
      const formerFacts =
        formerUrl === undefined ? undefined : definitionOf({ ...settings, url: formerUrl })
      return [
        id,
        new ProviderClient({
          settings,
          definition: definitionOf(settings),
          formerFacts,
          ...options,
        }),
      ]
    }),
  )
}

/** A sentence for each other issuer of which a provider has identities, which cannot sign in. */
export async function describeOtherIssuers(
  database: Database,
  clients: ReadonlyMap<string, ProviderClient>,
): Promise<string[]> {
  const warnings: string[] = []
  for (const provider of clients.values()) {
    const issuers = await readIssuers(database, provider.id)
    for (const other of issuers.filter((issuer) => !provider.isIssuerOf({ issuer }))) {
      const { issuerVariable, formerIssuerVariable } = provider.settings
      warnings.push(
        `Users of the provider ${provider.id} have signed in with the issuer ${other}, which is not its issuer now (${provider.issuer}): they cannot sign in with it. If it is the same issuer at a new address, set ${formerIssuerVariable} to the old one. If it is another issuer, give it a name of its own in place of changing ${issuerVariable}.`,
      )
    }
  }
  return warnings
}

/** All issuers of the provider's identities: from one to the next in an index, past the rows of each. */
async function readIssuers({ kysely }: Database, provider: string): Promise<string[]> {
  const issuers: string[] = []
  for (;;) {
    // oxlint-disable-next-line no-await-in-loop -- each begins where the one before it ended
    const { rows } = await sql<{ next: string | null }>`select min(issuer) as next from identities
      where provider = ${provider} and issuer > ${issuers.at(-1) ?? ''}`.execute(kysely)
    const next = rows[0]?.next
    if (next == null) return issuers
    issuers.push(next)
  }
}
