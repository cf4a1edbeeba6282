// Builds the pages that the server takes from dist/, where they are missing or older than their sources.
import { execFileSync } from 'node:child_process'

export default function setup() {
  execFileSync(process.execPath, ['scripts/build.mjs', '--pages', '--if-stale'], {
    stdio: 'inherit',
  })
}
