/** What a production install brings: `npm ci --omit=dev` in a folder of its own. */
import { spawnSync } from 'node:child_process'
import { copyFileSync, lstatSync, mkdirSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { npmSettings } from '../test/support/npm.ts'
import { goal, type Row } from './report.ts'

const root = join(import.meta.dirname, '..')

/** @throws if npm cannot install, for example without a network */
export function measureInstall(folder: string): Row[] {
  mkdirSync(folder, { recursive: true })
  for (const file of ['package.json', 'package-lock.json']) {
    copyFileSync(join(root, file), join(folder, file))
  }
  const { status, stderr } = spawnSync('npm', ['ci', '--omit=dev', '--ignore-scripts'], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, ...npmSettings },
  })
  if (status !== 0) throw new Error(stderr)
  const modules = join(folder, 'node_modules')
  const { packages } = JSON.parse(readFileSync(join(modules, '.package-lock.json'), 'utf8')) as {
    packages: object
  }
  const count = Object.keys(packages).length
  const { bytes, onDisk } = sizeOf(modules)
  const size = bytes / 1e6
  return [
    {
      scenario: 'A production install (`npm ci --omit=dev`): size of the files; packages',
      latchkey: `${size.toFixed(0)} MB (${(onDisk / 1e6).toFixed(0)} in blocks of the disk); ${count}`,
      goal: goal('< 80 MB', size < 80),
    },
  ]
}

function sizeOf(folder: string): { bytes: number; onDisk: number } {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => lstatSync(join(folder, name)))
    .filter((entry) => !entry.isDirectory())
  return {
    bytes: files.reduce((sum, { size }) => sum + size, 0),
    onDisk: files.reduce((sum, { blocks }) => sum + blocks * 512, 0),
  }
}
