// Every package in the lockfile comes from the registry, with a hash of its contents.
import { readFileSync } from 'node:fs'

const { lockfileVersion, packages } = JSON.parse(
  readFileSync(new URL('../package-lock.json', import.meta.url), 'utf8'),
)
const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
const problems = []
let count = 0

if (lockfileVersion !== 3) problems.push(`lockfileVersion is ${lockfileVersion}, not 3`)
for (const [path, { integrity, resolved, link, inBundle }] of Object.entries(packages)) {
  if (path === '' || inBundle) continue
  count += 1
  if (link) problems.push(`${path} is a link`)
  if (!integrity?.startsWith('sha512-')) problems.push(`${path} has no sha512`)
  // npm leaves the address out when it is told to; it is then the registry's own.
  if (resolved !== undefined && !resolved.startsWith('https://registry.npmjs.org/')) {
    problems.push(`${path} comes from ${resolved}`)
  }
}
for (const group of ['dependencies', 'devDependencies']) {
  for (const [name, wanted] of Object.entries(manifest[group])) {
    if (!/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(wanted)) problems.push(`${name} is not exact: ${wanted}`)
    if (packages[''][group][name] !== wanted) problems.push(`${name} differs from the lockfile`)
  }
}

for (const problem of problems) console.error(problem)
console.log(`${count} packages, ${problems.length} problems`)
process.exit(problems.length === 0 ? 0 : 1)
