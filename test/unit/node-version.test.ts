import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '../..')
const { engines, scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const started = [
  'dist/commands/health.js',
  ...Object.values<string>(scripts).flatMap((script) => script.match(/\bdist\/\S+\.js/g) ?? []),
]

/** Runs a file in this Node, which claims to be another version. */
function runAs(version: string, file: string) {
  const claim = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${version}' } })`
  const preload = `data:text/javascript,${encodeURIComponent(claim)}`
  return spawnSync(process.execPath, ['--import', preload, join(root, file)], { encoding: 'utf8' })
}

describe('an older Node', () => {
  it.each(started)('is reported by %s with the version that is needed', (file) => {
    const { status, stderr, stdout } = runAs('20.19.5', file)
    expect(stderr).toMatch(
      /^Latchkey needs Node \d+\.\d+ or newer, and this is Node 20\.19\.5\. .*\n$/,
    )
    expect(stderr).toContain(`Node ${engines.node.slice(2)} or newer`)
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
    // It is parsed before it runs: nothing in it may be newer than that Node.
    const text = readFileSync(join(root, file), 'utf8')
    expect(text).not.toMatch(/^import |\bawait\b/m)
  })

  it.each(['22.16.0', '21.99.0', '18.0.0', '9.0.0'])('is %s, too', (version) => {
    expect(runAs(version, 'dist/commands/user.js').stderr).toContain(`this is Node ${version}.`)
  })

  it.each(['22.17.0', '23.0.0', '100.1.0'])('is not %s', (version) => {
    expect(runAs(version, 'dist/commands/user.js').stderr).toMatch(/^Usage: /)
  })
})
