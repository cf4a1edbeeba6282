import { execFile } from 'node:child_process'
import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { needs } from '../support/needs.ts'
import { boundByModes, isRoot, temporaryFolder } from '../support/process.ts'

it(
  'a build in a folder that this user may not write ends in one sentence',
  isRoot ? needs('setpriv') : {},
  async () => {
    const folder = temporaryFolder()
    const compiler = join(folder, 'node_modules', 'typescript', 'bin')
    mkdirSync(compiler, { recursive: true })
    writeFileSync(join(compiler, 'tsc'), '')
    mkdirSync(join(folder, 'scripts'))
    const script = join(folder, 'scripts', 'build.mjs')
    copyFileSync(fileURLToPath(new URL('../../scripts/build.mjs', import.meta.url)), script)
    chmodSync(folder, 0o500)
    const [program, ...args] = [...boundByModes(), process.execPath, script, '--if-stale']
    const [status, stderr] = await new Promise<[unknown, string]>((resolve) => {
      execFile(program, args, (error, _stdout, text) => resolve([error?.code, text]))
    })
    expect([status, stderr]).toEqual([
      1,
      'dist/ cannot be written: run `npm run build` as the owner of this folder.\n',
    ])
  },
)
