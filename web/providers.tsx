/** The providers that the server offers: asked for until it has said, then not again. */
import { createContext, use, useEffect, useMemo, useState, type ReactNode } from 'react'
import { ProvidersDocument, type ProvidersQuery } from '../client/index.ts'
import { useAuth } from '../client/react.ts'

export type OfferedProvider = ProvidersQuery['providers'][number]

const OfferedProviders = createContext<readonly OfferedProvider[] | undefined>(undefined)
const firstPauseMilliseconds = 1000
const longestPauseMilliseconds = 30_000

export function ProvidersOfServer({ children }: { children: ReactNode }) {
  const { auth, status } = useAuth()
  const [providers, setProviders] = useState<readonly OfferedProvider[]>()
  // Before that, the client itself continues trying to reach the server.
  const isStarted = status !== 'unknown'
  useEffect(() => {
    if (!isStarted) return undefined
    let isGone = false
    let timer: ReturnType<typeof setTimeout> | undefined
    const ask = async (pauseMilliseconds: number) => {
      try {
        const data = await auth.request(ProvidersDocument)
        if (!isGone) setProviders(data.providers)
      } catch {
        // The password works without them; what is wrong with the server, others will say.
        if (isGone) return
        const next = Math.min(pauseMilliseconds * 2, longestPauseMilliseconds)
        timer = setTimeout(() => void ask(next), pauseMilliseconds)
      }
    }
    void ask(firstPauseMilliseconds)
    return () => {
      isGone = true
      clearTimeout(timer)
    }
  }, [auth, isStarted])
  return <OfferedProviders value={providers}>{children}</OfferedProviders>
}

/** Undefined until the server has said. */
export function useKnownProviders(): readonly OfferedProvider[] | undefined {
  return use(OfferedProviders)
}

/** None until the server has said. */
export function useProviders(): readonly OfferedProvider[] {
  return useKnownProviders() ?? none
}

const none: readonly OfferedProvider[] = []

/** What to call each, by id. */
export function useProviderNames(): ReadonlyMap<string, string> {
  const providers = useProviders()
  return useMemo(() => new Map(providers.map(({ id, name }) => [id, name])), [providers])
}
