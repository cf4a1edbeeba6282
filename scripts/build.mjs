// Compiles src/ to dist/, file by file, and then makes one file of what a start loads (bundle.mjs). With --if-stale it does so only when dist/ is missing or older than src/,
// which is what `npm start` and the operators' commands ask for.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, renameSync, rmSync, statSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

process.chdir(fileURLToPath(new URL('..', import.meta.url)))

// A test builds into a folder of its own.
const out = process.argv.includes('--out') ? process.argv.at(-1) : 'dist'
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
const previous = `${staging}.old`
process.on('exit', () => {
  rmSync(staging, { recursive: true, force: true })
  rmSync(previous, { recursive: true, force: true })
})
const { status } = spawnSync(
  process.execPath,
  [compiler, '-p', 'tsconfig.build.json', '--outDir', staging],
  { stdio: ['ignore', 2, 2] },
)
if (status === 0) {
  // Here, because a production tree has no bundler either.
  const { bundle } = await import('./bundle.mjs')
  await bundle(join(staging, 'main.js'), staging)
  // Stamped with the start of the build: what was edited meanwhile counts as newer.
  utimesSync(staging, startedAt, startedAt)
  if (existsSync(out)) renameSync(out, previous)
  renameSync(staging, out)
}
process.exit(status ?? 1)

function isFresh() {
  if (!existsSync('dist/main.js')) return false
  const builtAt = statSync('dist').mtimeMs
  // A folder's own time changes when a file in it is removed or renamed.
  const sources = readdirSync('src', { recursive: true, encoding: 'utf8' }).map((path) =>
    join('src', path),
  )
  // A dependency that was replaced is in the bundle as it was.
  const others = ['tsconfig.json', 'tsconfig.build.json', 'package.json', 'package-lock.json']
  return ['src', 'scripts/bundle.mjs', ...sources, ...others].every(
    (path) => !existsSync(path) || statSync(path).mtimeMs < builtAt,
  )
}
