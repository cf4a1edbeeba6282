import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { normalizeAddress } from '../../src/http/client-address.ts'
import { addressBlock, networkBlock } from '../../src/core/throttle/address.ts'

describe('the block by which an address is counted', () => {
  it.each([
    ['203.0.113.9', '203.0.113.9'],
    ['2001:db8:1:2::1', '2001:db8:1:2'],
    ['2001:0DB8:0001:0002:ffff:ffff:ffff:ffff', '2001:db8:1:2'],
    ['2001:db8::1', '2001:db8:0:0'],
    ['::', '0:0:0:0'],
    ['::1', '0:0:0:0'],
    ['1::', '1:0:0:0'],
    ['::2:3:4:5:6:7:8', '0:2:3:4'],
    ['::1:2:3:4:5:192.0.2.1', '0:1:2:3'],
    ['64:ff9b::192.0.2.1', '64:ff9b:0:0'],
    // Who has no address shares one counter with all such, and is never without one.
    [undefined, 'unknown'],
  ])('of %s is %s', (address, block) => {
    expect(addressBlock(address)).toBe(block)
  })

  it('is the same for every spelling of the same IPv6 network', () => {
    const holds = () =>
      fc.assert(
        fc.property(fc.ipV6(), (address) => {
          // What a URL makes of an address is its canonical spelling (RFC 5952).
          const canonical = new URL(`http://[${address}]`).hostname.slice(1, -1)
          return (
            addressBlock(address) === addressBlock(canonical) &&
            addressBlock(address.toUpperCase()) === addressBlock(canonical)
          )
        }),
        { numRuns: 2000 },
      )
    expect(holds).not.toThrow()
  })
})

describe('the network that a client belongs to', () => {
  it.each([
    ['203.0.113.9', '203.0.113.0/24'],
    ['2001:db8:1:2::1', '2001:db8:1::/48'],
    ['2001:0DB8:0001:ffff::1', '2001:db8:1::/48'],
    ['2001:db8::1', '2001:db8:0::/48'],
    ['::1', '0:0:0::/48'],
    [undefined, 'unknown'],
  ])('of %s is %s', (address, network) => {
    expect(networkBlock(address)).toBe(network)
  })
})

describe('an address that a proxy reports', () => {
  it('is an address or nothing, for whatever text', () => {
    const holds = () =>
      fc.assert(
        fc.property(fc.oneof(fc.string(), fc.ipV4(), fc.ipV6(), fc.webUrl()), (text) => {
          const address = normalizeAddress(text)
          return address === undefined || normalizeAddress(address) === address
        }),
      )
    expect(holds).not.toThrow()
  })

  it('is IPv4 in every spelling of mapped IPv4', () => {
    const holds = () =>
      fc.assert(
        fc.property(fc.ipV4(), (address) => {
          const hex = new URL(`http://[::ffff:${address}]`).hostname.slice(1, -1)
          const long = `0:0:0:0:0:ffff:${address}`
          return [`::ffff:${address}`, hex, long].every(
            (text) => normalizeAddress(text) === address,
          )
        }),
      )
    expect(holds).not.toThrow()
  })
})
