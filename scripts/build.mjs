// Compiles src/ to dist/, client/ to dist/client, and web/ to dist/web. With --if-stale it does so only when dist/ is missing or older than
// its sources, which is what `npm start` and the operators' commands ask for. With --page it makes the
// account page alone.
import { spawn } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
} from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

process.chdir(fileURLToPath(new URL('..', import.meta.url)))

const compiler = 'node_modules/typescript/bin/tsc'
const bundler = 'node_modules/vite/bin/vite.js'
const startedAt = new Date()

/** What dist/ consists of. `output` is a file that each build of it writes. */
const parts = [
  {
    output: 'main.js',
    sources: ['src', 'tsconfig.json', 'tsconfig.build.json', 'package.json'],
    build: (folder) => run(compiler, '-p', 'tsconfig.build.json', '--outDir', folder),
  },
  {
    output: 'client/index.js',
    sources: ['client', 'tsconfig.json', 'tsconfig.client.json', 'package.json'],
    build: (folder) => run(compiler, '-p', 'tsconfig.client.json', '--outDir', `${folder}/client`),
  },
  {
    output: 'web/index.html',
    sources: ['web', 'client', 'package.json'],
    build: (folder) =>
      run(
        bundler,
        'build',
        'web',
        '--outDir',
        join(process.cwd(), folder, 'web'),
        '--logLevel=warn',
      ),
  },
]
const isPageAlone = process.argv.includes('--page')
const wanted = isPageAlone ? parts.slice(-1) : parts

// A production tree has no compiler and brings its dist/ along.
if (!existsSync(compiler)) {
  if (existsSync('dist/main.js')) process.exit(0)
  console.error(
    'There is no dist/ and no compiler to make it: run `npm ci` with the development dependencies, then `npm run build`.',
  )
  process.exit(1)
}
if (process.argv.includes('--if-stale') && wanted.every(isFresh)) process.exit(0)

// A server may be running from dist/ and start a worker from it at any moment, so the new tree is
// complete before it takes the old one's place. This also leaves nothing stale behind.
const staging = `dist.${process.pid}`
const previous = `dist.${process.pid}.old`
const statuses = await Promise.all(wanted.map(({ build }) => build(staging)))
const isBuilt = statuses.every((status) => status === 0)
if (isBuilt) {
  // Stamped with the start of the build: what was edited meanwhile counts as newer.
  for (const { output } of wanted) utimesSync(join(staging, output), startedAt, startedAt)
  if (isPageAlone) {
    mkdirSync('dist', { recursive: true })
    replace(join(staging, 'web'), 'dist/web')
  } else {
    replace(staging, 'dist')
  }
}
rmSync(staging, { recursive: true, force: true })
rmSync(previous, { recursive: true, force: true })
process.exit(isBuilt ? 0 : 1)

function run(program, ...args) {
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 2, 2] })
  return new Promise((resolve) => child.once('close', (status) => resolve(status ?? 1)))
}

function replace(made, folder) {
  if (existsSync(folder)) renameSync(folder, previous)
  renameSync(made, folder)
}

function isFresh({ output, sources }) {
  if (!existsSync(join('dist', output))) return false
  const builtAt = statSync(join('dist', output)).mtimeMs
  // A folder's own time changes when a file in it is removed or renamed.
  const paths = sources.flatMap((source) =>
    statSync(source).isDirectory()
      ? [
          source,
          ...readdirSync(source, { recursive: true, encoding: 'utf8' }).map((path) =>
            join(source, path),
          ),
        ]
      : [source],
  )
  return paths.every((path) => statSync(path).mtimeMs < builtAt)
}
