/** Prints the browser that test/browser would use; fails where there is none. */
import { findChromium, missingChromium } from '../test/support/chromium.ts'

const path = findChromium()
console.log(path ?? missingChromium)
process.exitCode = path === undefined ? 1 : 0
