// `npm test` and `npm run test:all`: vitest, with a folder for temporary files that is removed when it ends, however
// it ends. Without --all only the quick tests run, unless the arguments name a project or a file.
import { spawn } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { constants, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const given = process.argv.slice(2)
const args = given.filter((argument) => argument !== '--all')
const isChosen = args.some((argument) => /^--project\b|^[^-].*\.test\.|^test\//.test(argument))
const isAll = isChosen || given.length > args.length

const folder = mkdtempSync(join(tmpdir(), 'latchkey-tests-'))
// Root runs PostgreSQL as another user, who must come through.
chmodSync(folder, 0o711)

const root = fileURLToPath(new URL('..', import.meta.url))
const vitest = spawn(
  process.execPath,
  [join(root, 'node_modules/vitest/vitest.mjs'), 'run', ...args],
  {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, TMPDIR: folder, TEST_SELECTION: isAll ? 'all' : 'quick' },
  },
)
// A terminal sends its signal to both; from elsewhere it comes to this process alone.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => vitest.kill(signal))
vitest.once('close', (status, signal) => {
  rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
  process.exit(status ?? 128 + constants.signals[signal])
})
