// Compiles src/ to dist/. With --if-stale it does so only when dist/ is missing or older than src/,
// which is what `npm start` and the operators' commands ask for.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, renameSync, rmSync, statSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

process.chdir(fileURLToPath(new URL('..', import.meta.url)))

const compiler = 'node_modules/typescript/bin/tsc'
const startedAt = new Date()

// A production tree has no compiler and brings its dist/ along.
if (!existsSync(compiler)) {
  if (existsSync('dist/main.js')) process.exit(0)
  console.error(
    'There is no dist/ and no compiler to make it: run `npm ci` with the development dependencies, then `npm run build`.',
  )
  process.exit(1)
}
if (process.argv.includes('--if-stale') && isFresh()) process.exit(0)

// A server may be running from dist/ and start a worker from it at any moment, so the new tree is
// complete before it takes the old one's place. This also leaves nothing stale behind.
const staging = `dist.${process.pid}`
const previous = `dist.${process.pid}.old`
const { status } = spawnSync(
  process.execPath,
  [compiler, '-p', 'tsconfig.build.json', '--outDir', staging],
  { stdio: ['ignore', 2, 2] },
)
if (status === 0) {
  // Stamped with the start of the build: what was edited meanwhile counts as newer.
  utimesSync(staging, startedAt, startedAt)
  if (existsSync('dist')) renameSync('dist', previous)
  renameSync(staging, 'dist')
}
rmSync(staging, { recursive: true, force: true })
rmSync(previous, { recursive: true, force: true })
process.exit(status ?? 1)

function isFresh() {
  if (!existsSync('dist/main.js')) return false
  const builtAt = statSync('dist').mtimeMs
  // A folder's own time changes when a file in it is removed or renamed.
  const sources = readdirSync('src', { recursive: true, encoding: 'utf8' }).map((path) =>
    join('src', path),
  )
  return ['src', ...sources, 'tsconfig.json', 'tsconfig.build.json', 'package.json'].every(
    (path) => statSync(path).mtimeMs < builtAt,
  )
}
