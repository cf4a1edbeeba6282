// Loaded into the server before it starts (node --import): ends its process by SIGKILL just before its
// n-th statement, n being KILL_AT_STATEMENT. Writes how many there have been to STATEMENT_COUNT_FILE.
import { writeFileSync } from 'node:fs'
import Sqlite from 'better-sqlite3'
import pg from 'pg'

const killAt = Number(process.env['KILL_AT_STATEMENT'] ?? Number.POSITIVE_INFINITY)
const countFile = process.env['STATEMENT_COUNT_FILE']
let count = 0

function countStatement() {
  count += 1
  if (count === killAt) process.kill(process.pid, 'SIGKILL')
  if (countFile !== undefined) writeFileSync(countFile, String(count))
}

const { exec, pragma } = Sqlite.prototype
Sqlite.prototype.exec = function (...args) {
  countStatement()
  return exec.apply(this, args)
}
Sqlite.prototype.pragma = function (...args) {
  countStatement()
  return pragma.apply(this, args)
}
// A statement counts when it runs, not when it is prepared.
const statement = Object.getPrototypeOf(new Sqlite(':memory:').prepare('select 1'))
for (const name of ['run', 'get', 'all', 'iterate']) {
  const original = statement[name]
  statement[name] = function (...args) {
    countStatement()
    return original.apply(this, args)
  }
}

const { query } = pg.Client.prototype
pg.Client.prototype.query = function (...args) {
  countStatement()
  return query.apply(this, args)
}
