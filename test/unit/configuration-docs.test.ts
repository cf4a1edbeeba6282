// The variables are listed once, in src/config/config.ts. What users read of them elsewhere says the same.
import { readFileSync } from 'node:fs'
import { isDeepStrictEqual, parseEnv } from 'node:util'
import { describe, expect, it } from 'vitest'
import { ConfigError, loadConfig, variables } from '../../src/config/config.ts'

const list = Object.entries(variables).map(([name, variable]) => ({ name, ...variable }))
const read = (file: string) => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8')

/** Whether the default can be written behind the name, and changes nothing there. */
function isLiteral({ name, default: value }: (typeof list)[number]): boolean {
  try {
    return isDeepStrictEqual(loadConfig({ [name]: value }), loadConfig({}))
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return false
  }
}

describe('.env.example', () => {
  const text = read('.env.example')
  const [, ...blocks] = text.trimEnd().split('\n\n')

  it('has every variable with its description and its default, and nothing else', () => {
    expect(blocks).toEqual(
      list.map((variable) =>
        isLiteral(variable)
          ? `# ${variable.description}\n#${variable.name}=${variable.default}`
          : `# ${variable.description}\n# Default: ${variable.default}\n#${variable.name}=`,
      ),
    )
  })

  it('sets nothing as it is, and the defaults without its comment signs', () => {
    expect(parseEnv(text)).toEqual({})
    const given = parseEnv(text.replaceAll(/^#(?=[A-Z])/gm, ''))
    expect(new Set(Object.keys(given))).toEqual(new Set(Object.keys(variables)))
    expect(loadConfig(given as Record<string, string>)).toEqual(loadConfig({}))
  })
})

describe('README.md', () => {
  it('has every variable with its default and its description, and no other', () => {
    const table = /<!-- configuration -->([^]*?)<!-- \/configuration -->/.exec(read('README.md'))
    const rows = table?.[1]
      ?.trim()
      .split('\n')
      .slice(2)
      .map((row) =>
        row
          .split('|')
          .slice(1, -1)
          .map((cell) => cell.trim()),
      )
    expect(rows).toEqual(
      list.map(({ name, default: value, description }) => [`\`${name}\``, value, description]),
    )
  })
})
