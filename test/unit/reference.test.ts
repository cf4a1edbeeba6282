// Variables, commands, endpoints, errors and events are declared once. The reference is generated from that.
import { readFileSync } from 'node:fs'
import { parseEnv } from 'node:util'
import { describe, expect, it } from 'vitest'
import { referenceFiles } from '../../scripts/reference/files.ts'
import { loadConfig } from '../../src/config/config.ts'
import { namesOf, providerNames, providerVariables } from '../../src/config/provider-variables.ts'
import { errorCodes, type ErrorCodeFacts } from '../../src/core/errors.ts'
import { errorCodesOf } from '../../src/feature.ts'
import { features } from '../../src/features.ts'
import { variables } from '../../src/config/variables.ts'

const read = (file: string) => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8')

describe('the reference', () => {
  it.each(Object.entries(referenceFiles()))(
    'is committed as npm run reference writes it: %s',
    (file, text) => {
      expect(read(file)).toBe(text)
    },
  )
})

describe('docs/reference/configuration.md', () => {
  const text = read('docs/reference/configuration.md')

  it('has every variable with its description, and no other', () => {
    const headings = Array.from(text.matchAll(/^### (.+)$/gm), ([, names]) => names!)
    const named = headings.flatMap((heading) =>
      Array.from(heading.matchAll(/`(.+?)`/g), ([, name]) => name!),
    )
    const ofProviders = named.slice(Object.keys(variables).length)
    expect(named.slice(0, Object.keys(variables).length)).toEqual(Object.keys(variables))
    for (const suffix of Object.keys(providerVariables)) {
      const isThere = ofProviders.includes(`<PROVIDER>_${suffix}`)
      expect(isThere || namesOf(suffix).every((name) => ofProviders.includes(name))).toBe(true)
    }
    for (const { description } of [
      ...Object.values(variables),
      ...Object.values(providerVariables),
    ]) {
      expect(text).toContain(`\n\n${description}\n\n`)
    }
  })
})

describe('docs/guides/errors.md', () => {
  it('has the HTTP status of each error code that has one', () => {
    const guide = read('docs/guides/errors.md')
    const wrong = Object.entries<ErrorCodeFacts>({ ...errorCodes, ...errorCodesOf(features) })
      .filter(([, { status }]) => status !== undefined)
      .filter(([code, { status }]) => !guide.match(`- \\*\\*${status}\\*\\*: [^*]*\`${code}\``))
    expect(wrong).toEqual([])
  })
})

describe('.env.example', () => {
  const text = read('.env.example')
  const given = parseEnv(text.replaceAll(/^#(?=[A-Z])/gm, '')) as Record<string, string>

  it('has every variable, and nothing else', () => {
    const ofProviders = Object.keys(providerVariables)
      .flatMap((suffix) => namesOf(suffix))
      .map((name) => name.replace('<NAME>', 'ACME'))
    expect(new Set(Object.keys(given))).toEqual(
      new Set([...Object.keys(variables), ...ofProviders]),
    )
    for (const name of providerNames) expect(text).toContain(`${name.toUpperCase()}_CLIENT_ID=`)
  })

  it('sets nothing as it is, and the defaults without its comment signs', () => {
    expect(parseEnv(text)).toEqual({})
    expect(loadConfig(given)).toEqual(loadConfig({}))
  })

  it.each(Object.entries(variables))('has the default of %s behind its name', (name, variable) => {
    const fixed = typeof variable.default === 'string' ? variable.default : ''
    expect(given[name]).toBe(fixed)
    const isExplained = new RegExp(`^# Default: .+\\n#${name}=$`, 'm').test(text)
    expect(isExplained).toBe(fixed === '')
  })
})
