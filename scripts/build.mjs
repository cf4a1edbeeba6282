// Makes dist/: src/ compiled and bundled (bundle.mjs), client/ compiled, and the pages. With --if-stale it
// makes only the parts that are missing or older than their sources, which is what `npm start` and the
// operators' commands ask for. With --pages it makes the pages alone: from src/, too, the server takes them
// from dist/.
import { spawn } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
} from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

process.chdir(fileURLToPath(new URL('..', import.meta.url)))

const compiler = 'node_modules/typescript/bin/tsc'
const bundler = 'node_modules/vite/bin/vite.js'
const startedAt = new Date()

/** `folder` is a part's place in dist/, `output` a file in it that each build of the part writes. */
const server = {
  folder: '',
  output: 'main.js',
  // A dependency that was replaced is in the bundle as it was.
  sources: [
    'src',
    'scripts/bundle.mjs',
    'scripts/entries.mjs',
    'tsconfig.json',
    'tsconfig.build.json',
    'package.json',
    'package-lock.json',
  ],
  build: compileServer,
}
const client = {
  folder: 'client',
  output: 'index.js',
  sources: ['client', 'tsconfig.json', 'tsconfig.client.json', 'package.json'],
  build: (folder) => run(compiler, '-p', 'tsconfig.client.json', '--outDir', folder),
}
const pages = [
  {
    folder: 'sandbox',
    output: 'sandbox.html',
    sources: ['sandbox', 'scripts/precompress.ts', 'package-lock.json'],
    build: (folder) => bundlePage('sandbox', folder),
  },
  {
    folder: 'web',
    output: 'index.html',
    sources: ['web', 'client', 'scripts/precompress.ts', 'package-lock.json'],
    build: (folder) => bundlePage('web', folder),
  },
]

// A production tree has no compiler and brings its dist/ along.
if (!existsSync(compiler)) {
  if (existsSync('dist/main.js')) process.exit(0)
  console.error(
    'There is no dist/ and no compiler to make it: run `npm ci` with the development dependencies, then `npm run build`.',
  )
  process.exit(1)
}
const parts = process.argv.includes('--pages') ? pages : [server, client, ...pages]
const stale = process.argv.includes('--if-stale') ? parts.filter((part) => !isFresh(part)) : parts
if (stale.length === 0) process.exit(0)

// A server may be running from dist/ and start a worker from it at any moment, so a new tree is
// complete before it takes the old one's place. This also leaves nothing stale behind.
const staging = `dist.${process.pid}`
const previous = `dist.${process.pid}.old`
try {
  mkdirSync(staging)
  mkdirSync(previous)
} catch (error) {
  if (!['EACCES', 'EPERM', 'EROFS'].includes(error.code)) throw error
  console.error('dist/ cannot be written: run `npm run build` as the owner of this folder.')
  process.exit(1)
}
const statuses = await Promise.all(stale.map(({ build, folder }) => build(join(staging, folder))))
const isBuilt = statuses.every((status) => status === 0)
if (isBuilt) {
  // Stamped with the start of the build: what was edited meanwhile counts as newer.
  for (const part of stale) utimesSync(outputOf(part, staging), startedAt, startedAt)
  if (stale.includes(server)) {
    for (const { folder } of [client, ...pages].filter((part) => !stale.includes(part))) {
      cpSync(join('dist', folder), join(staging, folder), {
        recursive: true,
        preserveTimestamps: true,
      })
    }
    replace('')
  } else {
    mkdirSync('dist', { recursive: true })
    for (const { folder } of stale) replace(folder)
  }
}
rmSync(staging, { recursive: true, force: true })
rmSync(previous, { recursive: true, force: true })
process.exit(isBuilt ? 0 : 1)

async function compileServer(folder) {
  const status = await run(compiler, '-p', 'tsconfig.build.json', '--outDir', folder)
  if (status !== 0) return status
  // Here, because a production tree has no bundler either.
  const { bundle } = await import('./bundle.mjs')
  // What traces instruments packages, which it does not find in a bundle (docs/guides/tracing.md).
  cpSync(join(folder, 'main.js'), join(folder, 'main.unbundled.js'))
  await bundle(join(folder, 'main.js'), folder)
  const { guardEntries } = await import('./entries.mjs')
  guardEntries(folder)
  return 0
}

function bundlePage(source, folder) {
  // The runner writes no file of its own next to the sources, which would make them look edited.
  const options = [
    'build',
    source,
    '--outDir',
    resolve(folder),
    '--configLoader=runner',
    '--logLevel=warn',
  ]
  return run(bundler, ...options)
}

function run(program, ...args) {
  const child = spawn(process.execPath, [program, ...args], {
    stdio: ['ignore', 2, 2],
    // Whoever builds, tests among them: else React would be bundled as it is for development.
    env: { ...process.env, NODE_ENV: 'production' },
  })
  return new Promise((settle) => child.once('close', (status) => settle(status ?? 1)))
}

function replace(folder) {
  const place = join('dist', folder)
  try {
    if (existsSync(place)) renameSync(place, join(previous, folder || 'dist'))
    renameSync(join(staging, folder), place)
  } catch (error) {
    // Another build was quicker; it has made the same.
    if (!existsSync(place)) throw error
  }
}

function outputOf({ folder, output }, root) {
  return join(root, folder, output)
}

function isFresh(part) {
  const output = outputOf(part, 'dist')
  if (!existsSync(output)) return false
  const builtAt = statSync(output).mtimeMs
  // A folder's own time changes when a file in it is removed or renamed.
  const paths = part.sources.flatMap((source) => [
    source,
    ...(statSync(source).isDirectory()
      ? readdirSync(source, { recursive: true, encoding: 'utf8' }).map((path) => join(source, path))
      : []),
  ])
  return paths.every((path) => statSync(path).mtimeMs < builtAt)
}
