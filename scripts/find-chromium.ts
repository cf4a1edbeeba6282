/** Prints the browser that test/browser would use; fails when there is none. */
import { findChromium } from '../test/support/chromium.ts'
import { hintOf } from '../test/support/needs.ts'

const path = findChromium()
console.log(path ?? `No browser was found (${hintOf('Chromium')})`)
process.exitCode = path === undefined ? 1 : 0
