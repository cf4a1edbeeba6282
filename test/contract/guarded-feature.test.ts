// Someone follows docs/guides/guarded-feature.md: the same files and edits, in a copy of the project.
import { execFile } from 'node:child_process'
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify, stripVTControlCharacters } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readGuide, shownFiles } from '../support/guide.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const guide = readGuide('guarded-feature')
/** What the feature is built into; the other tests have no part in it. */
const project = [
  'client',
  'codegen.yml',
  // The pages are built; with their times, they need not be built again.
  'dist',
  'oxlint.config.ts',
  'package-lock.json',
  'package.json',
  'sandbox',
  'schema',
  'scripts',
  'src',
  'test/api/access-matrix.test.ts',
  'test/mutation',
  'test/support',
  'tsconfig.build.json',
  'tsconfig.client.json',
  'tsconfig.json',
  'vitest.config.ts',
  'web',
]

/** The paragraphs of a diff, each of them a place to edit. */
function applyDiff(text: string, diff: string): string {
  return diff.split('\n\n').reduce((before, hunk) => {
    const lines = hunk.split('\n').filter((line) => line !== '')
    const side = (marks: string) =>
      lines
        .filter((line) => marks.includes(line[0]!))
        .map((line) => `${line.slice(1)}\n`)
        .join('')
    const parts = before.split(side(' -'))
    if (parts.length !== 2) throw new Error(`This is not there once:\n${side(' -')}`)
    return parts.join(side(' +'))
  }, text)
}

let copy: string
beforeAll(async () => {
  copy = await mkdtemp(join(tmpdir(), 'latchkey-feature-'))
  for (const path of project) {
    await cp(join(root, path), join(copy, path), { recursive: true, preserveTimestamps: true })
  }
  await symlink(join(root, 'node_modules'), join(copy, 'node_modules'), 'junction')
  for (const { file, language, body } of guide.blocks) {
    if (language !== 'diff') continue
    const text = await readFile(join(copy, file), 'utf8')
    await writeFile(join(copy, file), applyDiff(text, body))
  }
  await cp(guide.folder, copy, { recursive: true })
})
afterAll(() => rm(copy, { recursive: true, force: true }))

/** Runs a program of node_modules in the copy; what it prints is the error where it fails. */
async function run(program: string, ...args: string[]): Promise<string> {
  const [name, ...path] = program.split(':')
  const folder = dirname(createRequire(import.meta.url).resolve(`${name}/package.json`))
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([key]) => !key.startsWith('VITEST') && key !== 'NODE_ENV'),
  )
  try {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [join(folder, ...path), ...args],
      { cwd: copy, env, timeout: 250_000 },
    )
    return stripVTControlCharacters(stdout)
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string }
    throw new Error(`${program} ${args.join(' ')}\n${stdout}\n${stderr}`, { cause: error })
  }
}

describe('docs/guides/guarded-feature.md', () => {
  it('shows the files that lie next to it, and all of them', () => {
    expect(shownFiles(guide)).toEqual(guide.files)
  })

  it('leads to a feature that is generated, compiled, linted and passes its tests', async () => {
    await run('tsx:dist/cli.mjs', 'scripts/emit-schema.ts')
    await run('tsx:dist/cli.mjs', join(root, 'node_modules/@graphql-codegen/cli/esm/bin.js'))
    const schema = await readFile(join(copy, 'schema/schema.graphql'), 'utf8')
    expect(schema).toContain('noteCount: Int! @requiresRole(roles: [ADMIN])')
    expect(schema).toContain('notes: [Note!]! @authenticated')
    const hooks = await readFile(join(copy, 'client/generated/hooks.ts'), 'utf8')
    for (const hook of [
      'useNotesQuery',
      'useWriteNoteMutation',
      'useDeleteNoteMutation',
      'useNoteCountQuery',
    ]) {
      expect(hooks).toContain(`export const ${hook} =`)
    }

    await run('typescript:bin:tsc', '-p', 'tsconfig.json')
    await run('oxlint:bin:oxlint', '--deny-warnings', 'src', 'test')
    const report = await run('vitest:vitest.mjs', 'run', '--no-cache', '--fsModuleCache=false')
    // The notes' own tests and the table of who may read what, on both engines.
    expect(report).toMatch(/Test Files +4 passed/)
  }, 300_000)
})
