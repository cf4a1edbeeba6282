/**
 * A provider that is to be linked as soon as the user has signed in to the account that they have:
 * what LINK_REQUIRED asks for. Kept for this tab, since signing in may lead over another provider.
 */
export interface PendingLink {
  /** Its id. */
  readonly provider: string
  /** With what the account can be signed in to: `password`, or ids of providers. */
  readonly linkableWith: readonly string[]
}

const key = 'latchkey-pending-link'

export function readPendingLink(): PendingLink | undefined {
  try {
    const kept: unknown = JSON.parse(sessionStorage.getItem(key) ?? 'null')
    return isPendingLink(kept) ? kept : undefined
  } catch {
    return undefined
  }
}

export function writePendingLink(pending: PendingLink | undefined): void {
  try {
    if (pending === undefined) sessionStorage.removeItem(key)
    else sessionStorage.setItem(key, JSON.stringify(pending))
  } catch {
    // Without storage the page continues; only a reload forgets it.
  }
}

function isPendingLink(value: unknown): value is PendingLink {
  if (typeof value !== 'object' || value === null) return false
  const { provider, linkableWith } = value as Partial<PendingLink>
  return (
    typeof provider === 'string' &&
    Array.isArray(linkableWith) &&
    linkableWith.every((way) => typeof way === 'string')
  )
}
