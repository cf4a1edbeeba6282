/** A device in words, from what its browser or program says of itself. */
import Bowser from 'bowser'

/** @returns for example `Chrome on Windows`, `Safari on iPhone`, `curl` */
export function deviceName(userAgent: string | null): string {
  const text = userAgent?.trim() ?? ''
  if (text === '') return 'Unknown device'
  const parsed = Bowser.parse(text)
  const browser = parsed.browser.name ?? ''
  if (browser === '') return programName(text)
  const system = systemNames[parsed.platform.model ?? ''] ?? parsed.os.name ?? ''
  const where = systemNames[system] ?? system
  return where === '' ? browser : `${browser} on ${where}`
}

/** No browser: the product that comes first, without its version (RFC 9110 section 10.1.5). */
function programName(text: string): string {
  return /^[^\s/()]{1,40}/.exec(text)?.[0] ?? 'Unknown device'
}

const systemNames: Record<string, string> = {
  iPhone: 'iPhone',
  iPad: 'iPad',
  macOS: 'Mac',
}
