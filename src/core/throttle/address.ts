/** What attempts from an address are counted by. */
import { isIPv6 } from 'node:net'

/** An IPv6 customer holds a whole /64; clients without an address share one counter. */
export function addressBlock(address: string | undefined): string {
  if (address === undefined) return 'unknown'
  return isIPv6(address) ? prefixOf(address, 4) : address
}

/** What one customer may hold many blocks of: a /48 of IPv6, a /24 of IPv4. */
export function networkBlock(address: string | undefined): string {
  if (address === undefined) return 'unknown'
  return isIPv6(address) ? `${prefixOf(address, 3)}::/48` : `${address.replace(/\.\d+$/, '')}.0/24`
}

/** One client address at one account. */
export function pairOf(address: string | undefined, email: string): string {
  return `${addressBlock(address)} ${email}`
}

/** @param count of groups of 16 bits */
function prefixOf(address: string, count: number): string {
  // The last two groups may be written as an IPv4 address; what they say does not matter here.
  const [head = '', tail] = address.replace(/\d+\.\d+\.\d+\.\d+$/, '0:0').split('::')
  const before = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  const groups = [
    ...before,
    ...Array.from({ length: Math.max(0, 8 - before.length - after.length) }, () => '0'),
    ...after,
  ]
  return groups
    .slice(0, count)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')
}
