/** The providers that the server offers, asked for once. */
import { createContext, use, useEffect, useMemo, useState, type ReactNode } from 'react'
import { ProvidersDocument, type ProvidersQuery } from '../client/index.ts'
import { useAuth } from '../client/react.ts'

export type OfferedProvider = ProvidersQuery['providers'][number]

/** Undefined until the server has said. */
const OfferedProviders = createContext<readonly OfferedProvider[] | undefined>(undefined)

export function ProvidersOfServer({ children }: { children: ReactNode }) {
  const { auth } = useAuth()
  const [providers, setProviders] = useState<readonly OfferedProvider[]>()
  useEffect(() => {
    let isGone = false
    auth
      .request(ProvidersDocument)
      .then((data) => {
        if (!isGone) setProviders(data.providers)
      })
      // The password works without them; what is wrong with the server, others will say.
      .catch(() => {})
    return () => {
      isGone = true
    }
  }, [auth])
  return <OfferedProviders value={providers}>{children}</OfferedProviders>
}

export function useProviders(): readonly OfferedProvider[] {
  return use(OfferedProviders) ?? none
}

const none: readonly OfferedProvider[] = []

/** What to call each, by id. */
export function useProviderNames(): ReadonlyMap<string, string> {
  const providers = useProviders()
  return useMemo(() => new Map(providers.map(({ id, name }) => [id, name])), [providers])
}
