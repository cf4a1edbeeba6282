// What the account page writes can be read: WCAG 2.2, 1.4.3 and 1.4.11.
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { contrast } from '../../src/features/account-page/contrast.ts'
import { startWarnings } from '../../src/process/start-warnings.ts'
import { loadConfig } from '../../src/config/config.ts'

const tokens = readFileSync(new URL('../../web/tokens.css', import.meta.url), 'utf8')
const schemes = tokens.split('@media (prefers-color-scheme: dark)').map(readColors)

function readColors(css: string): Record<string, string> {
  const found = css.matchAll(/--([\w-]+): (#[\da-f]{6});/g)
  return Object.fromEntries(Array.from(found, ([, name, color]) => [name!, color!]))
}

function surfacesOf(scheme: Record<string, string>): string[] {
  return ['ground', 'surface', 'surface-soft'].map((name) => scheme[name]!)
}

/** What CSS makes of `color-mix(in srgb, one share%, other)`. */
function mix(one: string, percent: number, other: string): string {
  const channels = [1, 3, 5].map((start) => {
    const [first, second] = [one, other].map((color) =>
      Number.parseInt(color.slice(start, start + 2), 16),
    )
    return Math.round((first! * percent + second! * (100 - percent)) / 100)
  })
  return `#${channels.map((channel) => channel.toString(16).padStart(2, '0')).join('')}`
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

describe('the colours of an operator', () => {
  const warningsFor = (env: Record<string, string>) =>
    startWarnings(loadConfig({ APP_SECRET: 'k3Vw9xQ2mT7bR5nL8pD1sF6hJ4cG0zYa', ...env })).filter(
      (warning) => warning.includes('BRAND_COLOR'),
    )

  it('cause a warning at the start if the text on the buttons is hard to read', () => {
    expect(warningsFor({ BRAND_COLOR: 'ffe600' })).toEqual([
      'BRAND_TEXT_COLOR on BRAND_COLOR has a contrast of 1.3, which is hard to read: WCAG 2.2 asks for 4.5.',
    ])
  })

  it.each([
    {},
    { BRAND_COLOR: 'ffe600', BRAND_TEXT_COLOR: '000000' },
    { BRAND_COLOR: 'ffe600', ACCOUNT_PAGE: 'off' },
  ])('cause no warning if they can be read or are not used: %j', (env) => {
    expect(warningsFor(env)).toEqual([])
  })

  it.each(['#000000', '#ffffff'])(
    'leave links and outlines readable, light and dark, even if the colour is %s',
    (color) => {
      const [, percent] =
        /--accent-text: color-mix\(in srgb, var\(--accent\) (\d+)%, var\(--text\)\)/.exec(tokens)!
      for (const scheme of schemes) {
        const link = mix(color, Number(percent), scheme['text']!)
        for (const surface of surfacesOf(scheme)) {
          expect(contrast(link, surface)).toBeGreaterThanOrEqual(4.5)
        }
      }
    },
  )
})

describe('the colours of the page itself', () => {
  it.each(['text', 'text-soft', 'danger', 'good'])('can be read: %s', (name) => {
    for (const scheme of schemes) {
      for (const surface of surfacesOf(scheme)) {
        expect(contrast(scheme[name]!, surface)).toBeGreaterThanOrEqual(4.5)
      }
    }
  })

  it('mark fields and notices', () => {
    for (const scheme of schemes) {
      expect(contrast(scheme['line-strong']!, scheme['surface']!)).toBeGreaterThanOrEqual(3)
      for (const name of ['danger', 'good']) {
        expect(contrast(scheme[name]!, scheme[`${name}-ground`]!)).toBeGreaterThanOrEqual(4.5)
      }
    }
  })
})
