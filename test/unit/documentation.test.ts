// The documents name files, codes, scripts and commands: what they name has to be there.
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildSchema, type GraphQLEnumType } from 'graphql'
import { describe, expect, it } from 'vitest'
import { usage } from '../../src/commands/usage.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const read = (file: string) => readFileSync(join(root, file), 'utf8')

function filesUnder(folder: string, extension: string): string[] {
  if (!existsSync(join(root, folder))) return []
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith(extension) && !file.includes('node_modules'))
    .map((file) => join(folder, file))
}

const documents = [
  ...readdirSync(root).filter((file) => file.endsWith('.md')),
  ...['docs', 'bench', 'client'].flatMap((folder) => filesUnder(folder, '.md')),
]

/** Markdown without its code, where brackets mean something else. */
function withoutCode(markdown: string): string {
  return markdown.replace(/^```.*?^```$/gms, '').replace(/`[^`\n]*`/g, '')
}

/** What GitHub makes of the headings of a document. */
function anchorsOf(markdown: string): string[] {
  return Array.from(markdown.matchAll(/^#+ (.+)$/gm), ([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )
}

function findBrokenLinks(document: string): string[] {
  const links = Array.from(
    withoutCode(read(document)).matchAll(/\]\(([^)\s]+)\)/g),
    ([, target = '']) => target,
  )
  return links.filter((link) => {
    if (/^[a-z]+:/.test(link)) return false
    const [path = '', anchor] = link.split('#')
    const target = path === '' ? join(root, document) : resolve(root, dirname(document), path)
    // A link that leaves the repository is broken wherever it is read.
    if (relative(root, target).startsWith('..') || !existsSync(target)) return true
    return (
      anchor !== undefined &&
      (statSync(target).isDirectory() || !anchorsOf(readFileSync(target, 'utf8')).includes(anchor))
    )
  })
}

describe('the documents', () => {
  it.each(documents)('%s links to what is there', (document) => {
    expect(findBrokenLinks(document)).toEqual([])
  })

  it.each(documents)('%s names scripts of package.json', (document) => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
    const named = Array.from(
      read(document).matchAll(/npm (?:run ([\w:]+(?:-\w+)*)|(start|test)\b)/g),
      ([, run, short]) => run ?? short!,
    )
    expect(named.filter((name) => !(name in scripts))).toEqual([])
  })

  it.each(['docs/guides/errors.md', 'docs/reference/errors.md'])(
    'explain every error code and reason of the schema in %s',
    (document) => {
      const explained = Array.from(read(document).matchAll(/`([A-Z_]+)`/g), ([, name]) => name)
      const schema = buildSchema(read('schema/schema.graphql'))
      const names = ['ErrorCode', 'TokenErrorReason'].flatMap((type) =>
        (schema.getType(type) as GraphQLEnumType).getValues().map(({ name }) => name),
      )
      expect(names).toContain('TOKEN_MISSING')
      expect(names.filter((name) => !explained.includes(name))).toEqual([])
    },
  )

  it('explain every field of the schema, and no other, in docs/guides/api.md', () => {
    const schema = buildSchema(read('schema/schema.graphql'))
    const fields = [schema.getQueryType()!, schema.getMutationType()!].flatMap((type) =>
      Object.keys(type.getFields()),
    )
    const explained = Array.from(
      read('docs/guides/api.md').matchAll(/^- `(\w+)`/gm),
      ([, name]) => name,
    )
    expect(explained).toHaveLength(fields.length)
    expect(new Set(explained)).toEqual(new Set(fields))
  })

  it.each(['user', 'keys'] as const)(
    'name the commands of npm run %s, and no others',
    (program) => {
      const offered = Array.from(
        usage[program].matchAll(/^ {2}([a-z][a-z, -]*?)(?= {2}| -| \[)/gm),
        ([, names]) => names!.split(', '),
      ).flat()
      const named = Array.from(
        read('docs/guides/operating.md').matchAll(
          new RegExp(`npm run ${program} -- ([a-z-]+)`, 'g'),
        ),
        ([, name]) => name!,
      )
      expect(offered.length).toBeGreaterThan(2)
      expect(new Set(named)).toEqual(new Set(offered))
    },
  )
})

describe('README.md', () => {
  it('has at most 200 lines', () => {
    expect(read('README.md').trimEnd().split('\n').length).toBeLessThanOrEqual(200)
  })

  it.each(['README.md', ...filesUnder('docs/reference', '.md')])(
    'has no table wider than 120 columns, and the pages of the reference have none: %s',
    (document) => {
      const rows = read(document)
        .split('\n')
        .filter((line) => line.startsWith('|'))
      expect(rows.filter((row) => row.length > 120)).toEqual([])
    },
  )

  it('leads to every guide and every page of the reference', () => {
    const readme = read('README.md')
    const pages = ['docs/guides', 'docs/reference'].flatMap((folder) => filesUnder(folder, '.md'))
    expect(pages.filter((page) => !readme.includes(`](${page})`))).toEqual([])
  })
})

describe('docs/', () => {
  it('numbers each decision once, and lists them', () => {
    const decisions = filesUnder('docs/adr', '.md')
      .map((file) => file.slice('docs/adr/'.length))
      .filter((file) => file !== 'README.md')
      .toSorted()
    const numbers = decisions.map((file) => file.slice(0, 4))
    expect(numbers.filter((number) => !/^\d{4}$/.test(number))).toEqual([])
    expect(new Set(numbers).size).toBe(numbers.length)
    const list = read('docs/adr/README.md')
    expect(decisions.filter((file) => !list.includes(`](${file})`))).toEqual([])
  })

  it('has what comments in the sources refer to', () => {
    const written = [...filesUnder('docs', '.md'), ...documents]
    const referred = filesUnder('src', '.ts').flatMap((file) =>
      Array.from(
        read(file).matchAll(/\b(?:docs\/adr\/\d{4}|[\w./-]+\.md)\b/g),
        ([reference]) => reference,
      ),
    )
    expect(referred).not.toEqual([])
    expect(
      referred.filter((reference) => !written.some((file) => file.startsWith(reference))),
    ).toEqual([])
  })
})
