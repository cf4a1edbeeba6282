/** A provider's mark, or its first letter; the shapes are in provider-icon.css. */

const drawn: ReadonlySet<string> = new Set([
  'google',
  'microsoft',
  'apple',
  'gitlab',
  'github',
  'facebook',
  'discord',
])

export function ProviderIcon({ id, name }: { id: string; name: string }) {
  return drawn.has(id) ? (
    <span className="provider-icon" data-provider={id} aria-hidden="true" />
  ) : (
    <span className="provider-icon provider-letter" aria-hidden="true">
      {Array.from(name)[0]}
    </span>
  )
}
