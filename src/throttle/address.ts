/** What attempts from an address are counted by. */
import { isIPv6 } from 'node:net'

/** An IPv6 customer holds a whole /64; who has no address shares one counter with all such. */
export function addressBlock(address: string | undefined): string {
  if (address === undefined) return 'unknown'
  if (!isIPv6(address)) return address
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
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')
}

/** One client address at one account. */
export function pairOf(address: string | undefined, email: string): string {
  return `${addressBlock(address)} ${email}`
}
