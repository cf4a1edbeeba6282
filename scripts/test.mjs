// `npm test` and `npm run test:all`: vitest with the quick tests, or with all of them. Arguments go to vitest; when they
// name a project or a file, they choose among all tests.
import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { fileURLToPath } from 'node:url'

const given = process.argv.slice(2)
const args = given.filter((argument) => argument !== '--all')
const isChosen = args.some((argument) =>
  /^--project\b|^[^-].*\.test\b|^(\.\/)?test\//.test(argument),
)
const selection = isChosen || args.length < given.length ? 'all' : 'quick'

const root = fileURLToPath(new URL('..', import.meta.url))
const vitest = spawn(process.execPath, ['node_modules/vitest/vitest.mjs', 'run', ...args], {
  cwd: root,
  stdio: 'inherit',
  env: { ...process.env, TEST_SELECTION: selection },
})
// A terminal sends its signal to both; what comes to this process alone is passed on.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => vitest.kill(signal))
vitest.once('close', (status, signal) => {
  process.exitCode = status ?? 128 + constants.signals[signal]
})
