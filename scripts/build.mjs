// Compiles src/ to dist/ and client/ to dist/client/. With --if-stale it does so only when dist/ is missing or older than these,
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
const status =
  compile('tsconfig.build.json', staging) || compile('tsconfig.client.json', `${staging}/client`)
if (status === 0) {
  // Stamped with the start of the build: what was edited meanwhile counts as newer.
  utimesSync(staging, startedAt, startedAt)
  if (existsSync('dist')) renameSync('dist', previous)
  renameSync(staging, 'dist')
}
rmSync(staging, { recursive: true, force: true })
rmSync(previous, { recursive: true, force: true })
process.exit(status)

function compile(project, outDir) {
  const command = [compiler, '-p', project, '--outDir', outDir]
  return spawnSync(process.execPath, command, { stdio: ['ignore', 2, 2] }).status ?? 1
}

function isFresh() {
  if (!existsSync('dist/main.js')) return false
  const builtAt = statSync('dist').mtimeMs
  // A folder's own time changes when a file in it is removed or renamed.
  const sources = ['src', 'client'].flatMap((folder) => [
    folder,
    ...readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((path) => join(folder, path)),
  ])
  const settings = ['', '.build', '.client'].map((name) => `tsconfig${name}.json`)
  return [...sources, ...settings, 'package.json'].every((path) => statSync(path).mtimeMs < builtAt)
}
