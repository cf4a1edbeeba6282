// Puts a small file in front of each file that users start: an older Node cannot parse what is in the rest,
// and would say so with a SyntaxError of a file that no one wrote.
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const { engines, scripts } = JSON.parse(
  readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
)
const needed = engines.node.replace('>=', '')

/** What npm's scripts start, and the container's health check. */
const entries = [
  'commands/health.js',
  ...Object.values(scripts).flatMap((script) =>
    Array.from(script.matchAll(/\bdist\/(\S+\.js)/g), ([, file]) => file),
  ),
]

/** @param folder of the compiled files */
export function guardEntries(folder) {
  for (const entry of entries) {
    const file = join(folder, entry)
    const guarded = file.replace(/\.js$/, '.checked.js')
    renameSync(file, guarded)
    writeFileSync(file, guardOf(`./${guarded.replaceAll('\\', '/').split('/').at(-1)}`))
  }
}

/** Of words that every Node with ES modules knows. */
function guardOf(module) {
  const [major, minor] = needed.split('.').map(Number)
  return `// Made by scripts/entries.mjs.
const [major, minor] = process.versions.node.split('.').map(Number)
if (major > ${major} || (major === ${major} && minor >= ${minor})) {
  import('${module}')
} else {
  console.error('Latchkey needs Node ${needed} or newer, and this is Node ' + process.versions.node + '. Install a newer one, or start it with the npm scripts of an installation that has its development dependencies.')
  process.exitCode = 1
}
`
}
