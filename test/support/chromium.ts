/** Finds a Chromium (or a browser made of it) on this machine; none is downloaded. */
import { execFileSync } from 'node:child_process'
import { delimiter, join } from 'node:path'

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']
const usualPlaces = [
  ...names.map((name) => join('/usr/bin', name)),
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
]

export const missingChromium =
  'No browser was found. Install Chromium (Debian: apt-get install chromium fonts-dejavu-core), or name a Chromium or Chrome in CHROMIUM_PATH.'

/**
 * @param env CHROMIUM_PATH names the browser; else it is looked for on PATH, and then in the usual places
 * @returns the path of a browser that starts
 * @throws Error where CHROMIUM_PATH names none
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
