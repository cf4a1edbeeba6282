/** Whose address it is: one spelling for one client's, and which are our proxies'. */
import { BlockList, isIP, isIPv6 } from 'node:net'

const mapped = new BlockList()
mapped.addSubnet('::ffff:0:0', 96, 'ipv6')

/** `::ffff:1.2.3.4` as `1.2.3.4`; undefined for anything that is no address. */
export function normalizeAddress(address: string | undefined): string | undefined {
  const text = address?.replace(/%.*$/, '')
  if (text === undefined || isIP(text) === 0) return undefined
  if (!isIPv6(text) || !mapped.check(text, 'ipv6')) return text
  const dotted = /(\d+\.\d+\.\d+\.\d+)$/.exec(text)?.[1]
  if (dotted) return dotted
  const [high = 0, low = 0] = text
    .split(':')
    .slice(-2)
    .map((group) => Number.parseInt(group, 16))
  return [high >> 8, high & 255, low >> 8, low & 255].join('.')
}

/** Whether the peer of a connection is a proxy of ours; whoever sets a number vouches that each is. */
export function proxyChecker(
  trustProxy: number | string[] | false,
): (peer: string | undefined) => boolean {
  if (!Array.isArray(trustProxy)) return () => trustProxy !== false
  const proxies = new BlockList()
  for (const range of trustProxy) {
    const [address = '', bits] = range.split('/')
    const family = isIPv6(address) ? 'ipv6' : 'ipv4'
    if (bits === undefined) proxies.addAddress(address, family)
    else proxies.addSubnet(address, Number(bits), family)
  }
  return (peer) => {
    const address = normalizeAddress(peer)
    return address !== undefined && proxies.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')
  }
}
