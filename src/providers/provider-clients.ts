/** The providers that the server has, and what has become of identities of their former issuers. */
import { sql } from 'kysely'
import type { ProviderSettings } from '../config.providers.ts'
import type { Database } from '../database/database.ts'
import { factsOf } from './catalogue.ts'
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
        formerUrl === undefined ? undefined : factsOf({ ...settings, url: formerUrl })
      return [
        id,
        new ProviderClient({ settings, facts: factsOf(settings), formerFacts, ...options }),
      ]
    }),
  )
}

/** A sentence for each provider that has identities of another issuer, which cannot sign in. */
export async function describeOtherIssuers(
  database: Database,
  clients: ReadonlyMap<string, ProviderClient>,
): Promise<string[]> {
  const warnings: string[] = []
  for (const provider of clients.values()) {
    // The two ends of an index, and not the rows between them.
    const { rows } = await sql<{ least: string | null; most: string | null }>`
      select min(issuer) as least, max(issuer) as most from identities
      where provider = ${provider.id}`.execute(database.kysely)
    const ends = [rows[0]?.least, rows[0]?.most]
    const other = ends.find((issuer) => issuer != null && !provider.isIssuerOf({ issuer }))
    if (other != null) {
      const { issuerVariable, formerIssuerVariable } = provider.settings
      warnings.push(
        `Users of the provider ${provider.id} have signed in with the issuer ${other}, which is not its issuer now (${provider.issuer}): they cannot sign in with it. If it is the same issuer at a new address, set ${formerIssuerVariable} to the old one. If it is another issuer, give it a name of its own in place of changing ${issuerVariable}.`,
      )
    }
  }
  return warnings
}
