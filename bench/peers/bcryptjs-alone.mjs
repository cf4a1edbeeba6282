// How many passwords bcryptjs alone verifies in a second on the core it is given.
import { compareSync, hashSync } from 'bcryptjs'

const [seconds, cost] = process.argv.slice(2).map(Number)
const password = 'a password for the benchmark'
const hash = hashSync(password, cost)
const startedAt = performance.now()
let count = 0
do {
  compareSync(password, hash)
  count += 1
} while (performance.now() - startedAt < seconds * 1000)
console.log((count * 1000) / (performance.now() - startedAt))
