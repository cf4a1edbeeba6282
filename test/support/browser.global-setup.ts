// Looks for a browser before test/browser runs, and says so where there is none.
import { rmSync } from 'node:fs'
import type { TestProject } from 'vitest/node'
import { findChromium, missingChromium } from './chromium.ts'

export default function setup(project: TestProject) {
  const chromiumPath = findChromium()
  project.provide('chromiumPath', chromiumPath)
  if (chromiumPath === undefined) {
    console.warn(`\n  The tests in test/browser do not run. ${missingChromium}\n`)
  } else {
    // What a failed test leaves there is of this run.
    rmSync('artifacts', { recursive: true, force: true })
  }
}
