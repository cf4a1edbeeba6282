// `npm run dev`, and the guide that uses it.
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePort } from '../support/free-port.ts'
import { needs } from '../support/needs.ts'
import { asPattern, readSteps, runSteps } from '../support/walkthrough.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

describe('npm run dev', () => {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-dev-'))
  const { dev: script } = (
    JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>
    }
  ).scripts
  let child: ChildProcess
  let printed = ''
  let server: string
  let provider: string

  beforeAll(async () => {
    const [port, providerPort] = [await freePort(), await freePort()]
    server = `http://127.0.0.1:${port}`
    provider = `http://127.0.0.1:${providerPort}`
    const [command = '', ...args] = script!.split(' ')
    child = spawn(join(root, 'node_modules/.bin', command), args, {
      cwd: root,
      env: {
        PATH: `${join(root, 'node_modules/.bin')}:${process.env['PATH']}`,
        PORT: String(port),
        DEV_PROVIDER_PORT: String(providerPort),
        DATABASE_URL: `sqlite:${join(folder, 'latchkey.db')}`,
        REDIRECT_URIS: 'http://127.0.0.1:5173/callback',
        LOG_LEVEL: 'warn',
      },
    })
    const listening = new Promise<void>((resolve, reject) => {
      child.once('exit', () => reject(new Error(`It stopped: ${printed}`)))
      for (const stream of [child.stdout!, child.stderr!]) {
        stream.setEncoding('utf8').on('data', (chunk: string) => {
          printed += chunk
          if (printed.includes('is listening on')) resolve()
        })
      }
    })
    await listening
  })
  afterAll(async () => {
    if (child.exitCode === null && child.kill('SIGTERM')) await once(child, 'exit')
    rmSync(folder, { recursive: true, force: true })
  })

  it('says where server and identity provider are', () => {
    expect(printed).toContain(`listening on ${server}`)
    expect(printed).toContain(`Identity provider   ${provider}`)
    expect(printed).not.toMatch(/warn/i)
  })

  it(
    'leads through the guide, each response as it is printed there',
    needs('bash', 'curl'),
    async () => {
      const onPorts = (text: string) =>
        text
          .replaceAll('http://127.0.0.1:4000', server)
          .replaceAll('http://127.0.0.1:4010', provider)
      const steps = readSteps('docs/guides/provider-login.md', 'walkthrough').map(
        ({ commands, output }) => ({ commands: onPorts(commands), output: onPorts(output) }),
      )
      expect(steps.length).toBeGreaterThan(5)
      const answers = await runSteps(steps)
      for (const [index, { output }] of steps.entries()) {
        expect(answers[index]).toMatch(asPattern(output))
      }
    },
  )

  it(
    'shows a page to choose from, and a command for the response that works',
    needs('bash', 'curl'),
    async () => {
      const begun = `answer=$(curl -s ${server}/graphql -H 'content-type: application/json' -d '{"query": "mutation { beginProviderLogin(provider: \\"dev\\", redirectUri: \\"${provider}/callback\\") { authorizationUrl flowToken } }"}')
      flowToken=$(echo "$answer" | sed 's/.*"flowToken":"\\([^"]*\\)".*/\\1/')
      authorizationUrl=$(echo "$answer" | sed 's/.*"authorizationUrl":"\\([^"]*\\)".*/\\1/')`
      const browser = `curl -sL -c jar -b jar -H 'accept: text/html'`
      const [page, answer] = await runSteps([
        { commands: `${begun}\n${browser} -w '%{url_effective}' "$authorizationUrl"`, output: '' },
        {
          commands: `form=$(${browser} -o /dev/null -w '%{url_effective}' "$authorizationUrl")
          back=$(${browser} -d person=alan "$form")
          command=$(echo "$back" | grep -o 'curl -s.*</pre>' | sed 's/<.pre>//; s/&quot;/"/g; s/&gt;/>/g; s/&amp;/\\&/g')
          eval "$command"`,
          output: '',
        },
      ])
      for (const name of ['Katherine Johnson', 'Alan Turing', 'Rosalind Franklin']) {
        expect(page).toContain(name)
      }
      expect(answer).toMatch(/"email":"alan@example.com","emailVerified":false/)
    },
  )

  it(
    'sends someone who says no back with an error, and without a code',
    needs('bash', 'curl'),
    async () => {
      const { authorizationUrl } = await begin(`${provider}/callback`)
      const [back] = await runSteps([
        {
          commands: `form=$(curl -sL -c jar -b jar -o /dev/null -w '%{url_effective}' '${authorizationUrl}')
          curl -sL -c jar -b jar -d cancel=yes "$form"`,
          output: '',
        },
      ])
      expect(JSON.parse(back!)).toMatchObject({ error: 'access_denied' })
      expect(JSON.parse(back!)).not.toHaveProperty('code')
    },
  )

  it("sends users to a front end's own redirect URI as well", async () => {
    const { authorizationUrl } = await begin('http://127.0.0.1:5173/callback')
    expect(new URL(authorizationUrl).origin).toBe(provider)
    const page = await fetch(`${authorizationUrl}&login_hint=alan`, { redirect: 'manual' })
    expect(page.status).toBe(303)
    expect(page.headers.get('location')).toMatch(/^\/interaction\//)
  })

  it('stops both on Ctrl-C', async () => {
    const stopped = once(child, 'exit')
    child.kill('SIGINT')
    expect(await stopped).toEqual([0, null])
    for (const url of [server, provider]) await expect(fetch(url)).rejects.toThrow('fetch failed')
  })

  async function begin(redirectUri: string): Promise<{ authorizationUrl: string }> {
    const response = await fetch(`${server}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        query: `mutation { beginProviderLogin(provider: "dev", redirectUri: "${redirectUri}") { authorizationUrl } }`,
      }),
    })
    const { data } = (await response.json()) as {
      data: { beginProviderLogin: { authorizationUrl: string } }
    }
    return data.beginProviderLogin
  }
})

// ASVS 15.2.3.
it('is not a part of what is built', () => {
  const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  const text = sources
    .filter((file) => file.endsWith('.ts'))
    .map((file) => readFileSync(join(root, 'src', file), 'utf8'))
    .join('\n')
  expect(text).not.toMatch(/oidc-provider|login_hint|DEV_PROVIDER/)
})
