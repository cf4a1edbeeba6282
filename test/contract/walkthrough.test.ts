// What the documents tell users to paste is pasted here, and what they promise is looked for.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { needs } from '../support/needs.ts'
import { startServer, testAppSecret, type TestServer } from '../support/server.ts'
import { asPattern, readBlocks, readSteps, runSteps } from '../support/walkthrough.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** The guide says `npm run user`, and so on; here the same files run without npm. */
const npmFunction = `npm() {
  local command=$2
  shift 2
  if [ "\${1-}" = -- ]; then shift; fi
  ${process.execPath} "${root}/dist/commands/\${command/:/-}.js" "$@"
}`

describe('README.md and docs/guides/operating.md', () => {
  let server: TestServer
  beforeAll(async () => (server = await startServer()))
  afterAll(() => server.close())

  it(
    'lead from register to logout, and the server responds as the README shows',
    needs('bash', 'curl'),
    async () => {
      const steps = readSteps('README.md', 'walkthrough').map((step) => ({
        ...step,
        commands: step.commands.replaceAll('http://127.0.0.1:4000', server.url),
      }))
      const printed = await runSteps(steps)
      expect(steps.length).toBeGreaterThan(5)
      for (const [index, { output }] of steps.entries()) {
        expect(printed[index]).toMatch(asPattern(output))
      }
    },
  )

  // Each command is a process of its own.
  it("show operators' commands and what they print", needs('bash'), async () => {
    const steps = readSteps('docs/guides/operating.md', 'commands')
    const env = { DATABASE_URL: server.database.url, APP_SECRET: testAppSecret, BCRYPT_COST: '4' }
    const printed = await runSteps(steps, env, npmFunction)
    expect(steps.length).toBeGreaterThan(2)
    for (const [index, { output }] of steps.entries()) {
      expect(printed[index]).toMatch(asPattern(output))
    }
  })
})

describe('docs/guides/verifying-tokens.md', () => {
  it('verifies a token with the code that it shows, and refuses a changed one', async () => {
    const issuer = 'http://127.0.0.1:4000'
    const server = await startServer({ TOKEN_ISSUER: issuer })
    const { accessToken, user } = await server.client.register()
    const [block] = readBlocks('docs/guides/verifying-tokens.md', 'verify')
    const { verifyAccessToken } = await importCode(
      block!.body
        .replace(`${issuer}/.well-known`, `${server.url}/.well-known`)
        .replace("'jose'", `'${import.meta.resolve('jose')}'`),
    )
    expect(await verifyAccessToken(accessToken)).toEqual({
      userId: user.id,
      sessionId: expect.stringMatching(/^[\w-]{22}$/),
      roles: ['USER'],
    })
    const [header, , signature] = accessToken.split('.')
    const forged = Buffer.from('{"sub":"somebody else"}').toString('base64url')
    await expect(verifyAccessToken(`${header}.${forged}.${signature}`)).rejects.toThrow('signature')
  })
})

async function importCode(
  code: string,
): Promise<{ verifyAccessToken(token: string): Promise<unknown> }> {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-snippet-'))
  try {
    const file = join(folder, 'snippet.mjs')
    writeFileSync(file, code)
    return await import(pathToFileURL(file).href)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
