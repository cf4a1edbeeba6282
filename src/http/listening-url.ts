/** Where a server listens, as an address to open. */
import type { AddressInfo } from 'node:net'

/** @returns without a trailing slash */
export function listeningUrl({ address, family, port }: AddressInfo, isTls: boolean): string {
  return `${isTls ? 'https' : 'http'}://${family === 'IPv6' ? `[${address}]` : address}:${port}`
}
