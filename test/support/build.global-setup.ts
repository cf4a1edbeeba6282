// Makes dist/ where it is missing or older than its sources: the pages that the server takes from there, and the server
// as `npm start` runs it.
import { execFileSync } from 'node:child_process'

export default function setup() {
  execFileSync(process.execPath, ['scripts/build.mjs', '--if-stale'], { stdio: 'inherit' })
}
