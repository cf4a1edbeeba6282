// better-auth on SQLite with its bearer and jwt plugins, its limits on attempts off.
import { createServer } from 'node:http'
import bcrypt from 'bcryptjs'
import { betterAuth } from 'better-auth'
import { getMigrations } from 'better-auth/db/migration'
import { toNodeHandler } from 'better-auth/node'
import { bearer, jwt } from 'better-auth/plugins'
import Sqlite from 'better-sqlite3'

const { BENCH_DATABASE, BENCH_SECRET, BENCH_COST, PORT } = process.env
const database = new Sqlite(BENCH_DATABASE)
database.pragma('journal_mode = WAL')
const options = {
  baseURL: `http://127.0.0.1:${PORT}`,
  secret: BENCH_SECRET,
  database,
  emailAndPassword: {
    enabled: true,
    password: {
      hash: (password) => bcrypt.hash(password, Number(BENCH_COST)),
      verify: ({ hash, password }) => bcrypt.compare(password, hash),
    },
  },
  rateLimit: { enabled: false },
  telemetry: { enabled: false },
  plugins: [bearer(), jwt()],
}
const { runMigrations } = await getMigrations(options)
await runMigrations()
const handle = toNodeHandler(betterAuth(options))
createServer((request, response) => void handle(request, response)).listen(
  Number(PORT),
  '127.0.0.1',
)
