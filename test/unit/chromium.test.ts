import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { findChromium } from '../support/chromium.ts'

const folder = mkdtempSync(join(tmpdir(), 'latchkey-chromium-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const good = program('good/chromium', 'echo Chromium 150.0.7000.1')
const alsoGood = program('better/google-chrome', 'echo Google Chrome 150.0.7000.1')
const snap = program('snap/chromium', 'echo requires the chromium snap to be installed; exit 1')
const PATH = [join(folder, 'snap'), join(folder, 'good')].join(delimiter)

it('finds the first browser on PATH that starts', () => {
  expect(findChromium({ PATH }, [])).toBe(good)
})

it('finds one in the usual places where PATH has none', () => {
  expect(findChromium({ PATH: join(folder, 'snap') }, [alsoGood])).toBe(alsoGood)
})

it('takes the one that CHROMIUM_PATH names, and no other', () => {
  expect(findChromium({ PATH, CHROMIUM_PATH: alsoGood }, [])).toBe(alsoGood)
  expect(() => findChromium({ PATH, CHROMIUM_PATH: snap }, [good])).toThrow('CHROMIUM_PATH')
  expect(() => findChromium({ PATH, CHROMIUM_PATH: '/absent' }, [good])).toThrow('/absent')
})

it('finds none if there is none', () => {
  expect(findChromium({ PATH: join(folder, 'snap') }, [])).toBeUndefined()
  expect(findChromium({}, [])).toBeUndefined()
})

function program(name: string, script: string): string {
  const path = join(folder, name)
  mkdirSync(join(path, '..'), { recursive: true })
  writeFileSync(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 })
  return path
}
