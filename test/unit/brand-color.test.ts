// Whatever colour an operator chooses, what is written in it can be read: WCAG 2.2, 1.4.3 and 1.4.11.
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { brandStylesheet, contrast } from '../../src/features/account-page/brand-color.ts'

const tokens = readFileSync(new URL('../../web/tokens.css', import.meta.url), 'utf8')

/** Light and dark, by name. */
function readSchemes(css: string): [light: Record<string, string>, dark: Record<string, string>] {
  const schemes = css
    .split('@media (prefers-color-scheme: dark)')
    .map((part) =>
      Object.fromEntries(
        Array.from(part.matchAll(/--([\w-]+): (#[\da-f]{6});/g), ([, name, color]) => [
          name!,
          color!,
        ]),
      ),
    )
  return [schemes[0]!, schemes[1]!]
}

const surfaces = readSchemes(tokens).map((scheme) =>
  ['ground', 'surface', 'surface-soft'].map((name) => scheme[name]!),
)

/** What cannot be read, light or dark. */
function findUnreadable(color: string): string[] {
  return readSchemes(brandStylesheet(color)).flatMap((accents, scheme) => {
    const of = (name: string) => accents[name]!
    const pairs: [what: string, other: string, least: number][] = [
      ['on-accent', of('accent'), 4.5],
      ['on-accent', of('accent-strong'), 4.5],
      ...surfaces[scheme]!.flatMap((surface): [string, string, number][] => [
        ['accent-text', surface, 4.5],
        ['accent-edge', surface, 3],
      ]),
    ]
    return pairs
      .filter(([name, other, least]) => contrast(of(name), other) < least)
      .map(([name, other]) => `${name} on ${other}`)
  })
}

describe('the contrast of two colours', () => {
  it.each([
    ['#000000', '#ffffff', 21],
    ['#ffffff', '#ffffff', 1],
    ['#777777', '#ffffff', 4.48],
    ['#0000ff', '#ffffff', 8.59],
    ['#ff0000', '#00ff00', 2.91],
  ])('is that of WCAG: %s on %s', (one, other, expected) => {
    expect(contrast(one, other)).toBeCloseTo(expected, 2)
    expect(contrast(other, one)).toBeCloseTo(expected, 2)
  })
})

describe("an operator's colour", () => {
  it.each(['#ffffff', '#000000', '#ffff00', '#777777', '#3b4fc4', '#ff0000', '#00ff7f'])(
    'can be read on every surface, light and dark: %s',
    (color) => {
      expect(findUnreadable(color)).toEqual([])
    },
  )

  it('can be read, whichever it is', () => {
    const anyColor = fc
      .integer({ min: 0, max: 0xff_ff_ff })
      .map((number) => `#${number.toString(16).padStart(6, '0')}`)
    expect(() =>
      fc.assert(fc.property(anyColor, (color) => findUnreadable(color).length === 0)),
    ).not.toThrow()
  })

  it('is left as it is if it can be read', () => {
    const [light] = readSchemes(brandStylesheet('#3b4fc4'))
    const color = '#3b4fc4'
    expect(light).toMatchObject({ accent: color, 'accent-edge': color, 'accent-text': color })
    const [yellow] = readSchemes(brandStylesheet('#ffe600'))
    expect(yellow).toMatchObject({ accent: '#ffe600', 'on-accent': '#000000' })
  })
})

describe('the colours of the page itself', () => {
  it.each(['text', 'text-soft', 'danger', 'good'])('can be read: %s', (name) => {
    for (const scheme of readSchemes(tokens)) {
      for (const surface of ['ground', 'surface', 'surface-soft']) {
        expect(contrast(scheme[name]!, scheme[surface]!)).toBeGreaterThanOrEqual(4.5)
      }
    }
  })

  it('mark fields and notices', () => {
    for (const scheme of readSchemes(tokens)) {
      expect(contrast(scheme['line-strong']!, scheme['surface']!)).toBeGreaterThanOrEqual(3)
      for (const name of ['danger', 'good']) {
        expect(contrast(scheme[name]!, scheme[`${name}-ground`]!)).toBeGreaterThanOrEqual(4.5)
      }
    }
  })
})
