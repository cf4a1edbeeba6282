// The package as a front end installs it: compiled, with types, and without anything of Node.
import { execFile } from 'node:child_process'
import { readFileSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))
// Inside the repository, where its packages are found.
const folder = join(root, `dist.client-${process.pid}`)
const entries = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).exports as Record<
  string,
  { types: string; default: string }
>
const clientEntries = Object.entries(entries).filter(([name]) => name.startsWith('./client'))

beforeAll(async () => {
  const compiler = join(root, 'node_modules/typescript/bin/tsc')
  await run(
    process.execPath,
    [compiler, '-p', 'tsconfig.client.json', '--outDir', join(folder, 'client')],
    { cwd: root },
  )
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const built = (path: string) => join(folder, path.replace('./dist/', ''))

describe('the entries of package.json', () => {
  it('are the core, React and Apollo Client', () => {
    expect(clientEntries.map(([name]) => name)).toEqual([
      './client',
      './client/react',
      './client/apollo',
    ])
  })

  it.each(clientEntries)('%s can be imported, and has its types', async (_name, entry) => {
    const { stdout } = await run(process.execPath, [
      '--input-type=module',
      '-e',
      `console.log(Object.keys(await import('${pathToFileURL(built(entry.default)).href}')).join())`,
    ])
    const types = readFileSync(built(entry.types), 'utf8')
    expect(stdout).toMatch(/createAuthClient|useAuth|createAuthLink/)
    expect(types).toMatch(/createAuthClient|useAuth|createAuthLink/)
  })
})

describe('the core', () => {
  it('needs graphql and no framework, and runs under a policy without eval', () => {
    const files = readdirSync(join(folder, 'client'), { recursive: true, encoding: 'utf8' }).filter(
      (file) => file.endsWith('.js') && !/(apollo|hooks|react)\.js$/.test(file),
    )
    const imported = new Set<string>()
    for (const file of files) {
      const code = readFileSync(join(folder, 'client', file), 'utf8')
      for (const [, name = ''] of code.matchAll(/from ['"]([^.'"][^'"]*)['"]/g)) imported.add(name)
      expect(code).not.toMatch(
        /\b(eval|Function|process|Buffer|require)\(|\bprocess\.|new Function/,
      )
    }
    expect([...imported]).toEqual(['graphql'])
  })
})
