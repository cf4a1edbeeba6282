/** E-mail addresses in one normal form, applied once, as the first step. */
import { domainToASCII, domainToUnicode } from 'node:url'

const maximumBytes = 254
const maximumLocalBytes = 64
// RFC 5321 dot-string, widened by RFC 6531 to letters beyond ASCII.
const localPart =
  /^[\p{L}\p{M}\p{N}!#$%&'*+/=?^_`{|}~-]+(\.[\p{L}\p{M}\p{N}!#$%&'*+/=?^_`{|}~-]+)*$/u
const domain = /^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/

/**
 * Trimmed, NFC, lower case, an internationalised domain as punycode. Nothing else is folded: dots
 * and tags in the local part distinguish addresses.
 * @returns undefined if the text is not an address, or if a letter beyond ASCII would turn into an
 * ASCII one on the way (K, ﬁ, ＠) or vanish: spellings that only look alike never become one account
 */
export function normalizeEmail(text: string): string | undefined {
  // Long before any of the work below, which grows with the length.
  if (text.length > 2 * maximumBytes) return undefined
  const trimmed = text.trim()
  if (!trimmed.isWellFormed() || foldsIntoAscii(trimmed)) return undefined
  // Composed again: of some letters only the small one has a composed form (J̌ and ǰ).
  const lowered = trimmed.normalize('NFC').toLowerCase().normalize('NFC')
  const [local, host, ...rest] = lowered.split('@')
  if (local === undefined || host === undefined || rest.length > 0) return undefined
  const asciiHost = domainToASCII(host)
  // It reads its text as a URL does: it drops a path, decodes %61, passes over a soft hyphen.
  if (host !== asciiHost && host !== domainToUnicode(asciiHost)) return undefined
  if (!localPart.test(local) || Buffer.byteLength(local) > maximumLocalBytes) return undefined
  if (!domain.test(asciiHost)) return undefined
  const email = `${local}@${asciiHost}`
  return Buffer.byteLength(email) <= maximumBytes ? email : undefined
}

function foldsIntoAscii(text: string): boolean {
  return Array.from(text).some(
    (character) =>
      character.codePointAt(0)! > 127 &&
      /[\0-\x7f]/.test(character.toLowerCase().normalize('NFKC')),
  )
}
