// The package as a front end installs it: compiled, with types, and without anything of Node.
import { execFile } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { npmSettings } from '../support/npm.ts'
import { readSteps } from '../support/walkthrough.ts'

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

// Where nothing of this repository is found by chance. Only npm's registry is asked, for what is not in npm's cache.
describe('a front end that installs the package as docs/guides/front-ends.md says', () => {
  const work = mkdtempSync(join(realpathSync(tmpdir()), 'latchkey-front-end-'))
  const app = join(work, 'my-app')
  const shell = async (commands: string, cwd: string) =>
    run('bash', ['-euc', commands], { cwd, env: { ...process.env, ...npmSettings } })

  beforeAll(async () => {
    const checkout = join(work, 'latchkey')
    const { stdout } = await run(
      'git',
      ['ls-files', '--cached', '--others', '--exclude-standard'],
      { cwd: root },
    )
    for (const file of stdout.split('\n').filter(Boolean)) {
      if (existsSync(join(root, file))) cpSync(join(root, file), join(checkout, file))
    }
    // In place of `npm ci`, which has run here.
    symlinkSync(join(root, 'node_modules'), join(checkout, 'node_modules'))
    mkdirSync(app)
    writeFileSync(join(app, 'package.json'), '{ "private": true, "type": "module" }')
    const [step] = readSteps('docs/guides/front-ends.md', 'install')
    await shell(step!.commands.replace('npm ci\n', ''), work)
  }, 600_000)
  afterAll(() => rmSync(work, { recursive: true, force: true }))

  it('has one copy of each library', async () => {
    const { stdout } = await run(
      'npm',
      ['ls', '--all', '--parseable', '@apollo/client', 'graphql', 'react'],
      { cwd: app },
    )
    const copies = stdout
      .trim()
      .split('\n')
      .filter((path) => /(graphql|client|react)$/.test(path))
    expect(copies.map((path) => relative(join(app, 'node_modules'), path)).toSorted()).toEqual([
      '@apollo/client',
      'graphql',
      'react',
    ])
  })

  it('compiles the files of the guide, and not a variable of another type', async () => {
    cpSync(join(root, 'docs/guides/front-ends'), join(app, 'src'), { recursive: true })
    await shell('npm install --save-dev @types/react@19 @types/react-dom@19', app)
    const compilerOptions = {
      target: 'es2022',
      lib: ['es2022', 'dom', 'dom.iterable'],
      module: 'esnext',
      moduleResolution: 'bundler',
      allowImportingTsExtensions: true,
      jsx: 'react-jsx',
      strict: true,
      noEmit: true,
      types: [],
    }
    writeFileSync(join(app, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['src'] }))
    const compile = () =>
      run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc')], { cwd: app })
    expect((await compile()).stdout).toBe('')
    writeFileSync(
      join(app, 'src/wrong.ts'),
      `import { auth } from './auth.ts'\nvoid auth.login({ email: 1, password: '' })\n`,
    )
    await expect(compile()).rejects.toMatchObject({ stdout: expect.stringContaining('wrong.ts') })
  })

  it('can import every entry, and find the schema', async () => {
    const names = clientEntries.map(([name]) => name.replace('.', 'latchkey'))
    const script = `
      for (const name of ${JSON.stringify(names)}) console.log(Object.keys(await import(name)).join())
      console.log(import.meta.resolve('latchkey/schema/schema.graphql'))`
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script], {
      cwd: app,
    })
    const [core, react, apollo, schema] = stdout.trim().split('\n')
    expect(core).toContain('createAuthClient')
    expect(react).toContain('useAuth')
    expect(apollo).toMatch(/createAuthLink.*mutationHook,queryHook/)
    expect(readFileSync(fileURLToPath(schema!), 'utf8')).toContain('type Mutation')
  })
})
