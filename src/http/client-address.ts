/** Where a request comes from: one spelling for each client IP, read from what trusted proxies send. */
import type { IncomingMessage } from 'node:http'
import { BlockList, isIP, isIPv6, SocketAddress } from 'node:net'
import { OccasionalWarning } from './occasional-warning.ts'
import type { Logger } from '../logging/logger.ts'

/** How many proxies are in front, or their addresses; false when there is none. */
export type TrustProxy = number | readonly string[] | false

/** `::ffff:1.2.3.4` as `1.2.3.4`, IPv6 in its canonical spelling; undefined for anything that is not an IP address. */
export function normalizeAddress(address: string | undefined): string | undefined {
  const text = address?.replace(/%.*$/, '')
  if (text === undefined || isIP(text) === 0) return undefined
  if (!isIPv6(text)) return text
  const canonical = new SocketAddress({ address: text, family: 'ipv6' }).address
  return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(canonical)?.[1] ?? canonical
}

/**
 * One entry of `X-Forwarded-For`. Some proxies add the port (`203.0.113.7:51234`, `[2001:db8::7]:443`),
 * and some write quotes or brackets, as `Forwarded` has them (RFC 7239 section 6).
 */
export function readForwardedAddress(entry: string): string | undefined {
  const text = entry.trim().replace(/^"(.*)"$/, '$1')
  const bracketed = /^\[([^\]]+)\](?::\d{1,5})?$/.exec(text)?.[1]
  return normalizeAddress(bracketed ?? text) ?? normalizeAddress(text.replace(/:\d{1,5}$/, ''))
}

/** Whether the peer of a connection is a trusted proxy. Setting a number vouches that each peer is one. */
export function proxyChecker(trustProxy: TrustProxy): (peer: string | undefined) => boolean {
  if (trustProxy === false || typeof trustProxy === 'number') return () => trustProxy !== false
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

/** Reads client IPs, and logs what makes many clients look like one. No line contains an address. */
export class ClientAddresses {
  readonly #trustProxy: TrustProxy
  readonly isProxy: (peer: string | undefined) => boolean
  readonly #unreadable: OccasionalWarning
  /** A request is asked for its address more than once. */
  readonly #reported = new WeakSet<IncomingMessage>()
  readonly #missing: OccasionalWarning
  readonly #untrusted: OccasionalWarning

  constructor(trustProxy: TrustProxy, log: Logger, clock: () => number) {
    this.#trustProxy = trustProxy
    this.isProxy = proxyChecker(trustProxy)
    const everyMinute = 60_000
    this.#unreadable = new OccasionalWarning(log, clock, everyMinute)
    this.#missing = new OccasionalWarning(log, clock, Number.POSITIVE_INFINITY)
    this.#untrusted = new OccasionalWarning(log, clock, Number.POSITIVE_INFINITY)
  }

  /** The client IP, or that of the nearest proxy when what it sent cannot be read. */
  of(request: IncomingMessage): string | undefined {
    const { headers, socket } = request
    const peer = normalizeAddress(socket.remoteAddress)
    if (!this.isProxy(peer)) return peer
    // The proxy that is nearest to us adds the last entry.
    const entries = String(headers['x-forwarded-for'] ?? '')
      .split(',')
      .filter((entry) => entry.trim() !== '')
      .toReversed()
    if (entries.length === 0) {
      this.#missing.log(
        {},
        'A trusted proxy sent a request without X-Forwarded-For: attempts through it are counted as those of one client. Have the proxy set the header',
      )
      return peer
    }
    const { address, unreadable } = this.#find(entries)
    if (unreadable !== undefined && !this.#reported.has(request)) {
      this.#reported.add(request)
      this.#unreadable.log(
        { form: formOf(unreadable) },
        'A trusted proxy sent an X-Forwarded-For that is not an IP address: attempts through it are counted as those of one client',
      )
    }
    return address ?? peer
  }

  /** Logs, once, that someone else's proxy may be in front of this server. */
  noticeUntrusted({ headers, socket }: IncomingMessage): void {
    const isForwarded = headers['x-forwarded-for'] !== undefined || headers.forwarded !== undefined
    if (!isForwarded || this.isProxy(socket.remoteAddress)) return
    this.#untrusted.log(
      {},
      'A request has X-Forwarded-For or Forwarded, and its sender is not a trusted proxy: the header is ignored. If a proxy of yours sent it, set TRUST_PROXY, or all of its clients share one budget of attempts',
    )
  }

  /** @param entries the nearest proxy's first */
  #find(entries: readonly string[]): { address?: string | undefined; unreadable?: string } {
    if (typeof this.#trustProxy === 'number') {
      const entry = entries[Math.min(this.#trustProxy, entries.length) - 1]!
      const address = readForwardedAddress(entry)
      return address === undefined ? { unreadable: entry } : { address }
    }
    let address: string | undefined
    for (const entry of entries) {
      address = readForwardedAddress(entry)
      if (address === undefined) return { unreadable: entry }
      if (!this.isProxy(address)) break
    }
    return { address }
  }
}

/** What a value looks like, with every digit as 0: an address does not belong in the log. */
function formOf(entry: string): string {
  return entry
    .trim()
    .slice(0, 64)
    .replaceAll(/[\da-f]/gi, '0')
}
