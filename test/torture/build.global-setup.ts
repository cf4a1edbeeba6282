// Builds what the instances run, where it is missing or older than its sources.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'

export default function setup() {
  const script = join(import.meta.dirname, '../../scripts/build.mjs')
  const { status } = spawnSync(process.execPath, [script, '--if-stale'], { stdio: 'inherit' })
  if (status !== 0) throw new Error('The build failed, and test/torture runs what is built')
}
