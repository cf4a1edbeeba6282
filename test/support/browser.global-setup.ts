// Looks for a browser that starts before test/browser runs.
import { rmSync } from 'node:fs'
import { chromium } from 'playwright-core'
import type { TestProject } from 'vitest/node'
import { findChromium, launchOptions, type Chromium } from './chromium.ts'
import { refuseInCi } from './needs.ts'

export default async function setup(project: TestProject) {
  const found = await findWorkingChromium()
  if (found === undefined) {
    refuseInCi('Chromium')
    project.provide('lacks', 'Chromium')
    return
  }
  project.provide('chromium', found)
  // What a failed test leaves there is of this run.
  rmSync('artifacts', { recursive: true, force: true })
}

/** A browser may print its version and still not start. */
async function findWorkingChromium(): Promise<Chromium | undefined> {
  const executablePath = findChromium()
  if (executablePath === undefined) return undefined
  for (const hasSandbox of process.getuid?.() === 0 ? [false] : [true, false]) {
    try {
      const found = { executablePath, hasSandbox }
      await (await chromium.launch(launchOptions(found))).close()
      return found
    } catch (error) {
      console.warn(`${executablePath} does not start: ${String(error)}`)
    }
  }
  return undefined
}
