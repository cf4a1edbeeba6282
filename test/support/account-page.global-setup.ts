// Builds the account page where it is missing or older than web/ and client/: the server gives what is built.
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export default function setup() {
  const script = fileURLToPath(new URL('../../scripts/build.mjs', import.meta.url))
  execFileSync(process.execPath, [script, '--page', '--if-stale'], { stdio: 'inherit' })
}
