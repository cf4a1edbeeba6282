/** Finds a Chromium (or a browser made of it) on this machine; none is downloaded. */
import { execFileSync } from 'node:child_process'
import { delimiter, join } from 'node:path'

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']
/** Where a system puts browsers that are not on PATH. */
const usualPlaces = [
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
]

export interface Chromium {
  readonly executablePath: string
  /** Root cannot use it, nor can others in some containers. */
  readonly hasSandbox: boolean
}

export function launchOptions({ executablePath, hasSandbox }: Chromium) {
  return {
    executablePath,
    chromiumSandbox: hasSandbox,
    // Playwright turns the back/forward cache off, which users's browsers have.
    ignoreDefaultArgs: ['--disable-back-forward-cache'],
    args: [
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--no-first-run',
    ],
  }
}

/**
 * @param env CHROMIUM_PATH names the browser; else it is looked for on PATH, and then in the usual places
 * @returns the path of a browser that starts
 * @throws Error if CHROMIUM_PATH names none
 */
export function findChromium(env = process.env, places = usualPlaces): string | undefined {
  const given = env['CHROMIUM_PATH']
  if (given) {
    if (!answers(given)) throw new Error(`CHROMIUM_PATH names no Chromium that starts: ${given}`)
    return given
  }
  const folders = (env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '')
  const onPath = names.flatMap((name) => folders.map((folder) => join(folder, name)))
  return [...onPath, ...places].find(answers)
}

/** Not only whether the file is there: Ubuntu's chromium-browser is a script that asks for a snap. */
function answers(file: string): boolean {
  try {
    const version = execFileSync(file, ['--version'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: 20_000,
    })
    return /chrom/i.test(version)
  } catch {
    return false
  }
}
