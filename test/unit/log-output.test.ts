// Where the log cannot be written, people are served all the same.
import { once } from 'node:events'
import { openSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { createClient } from '../support/client.ts'
import { freePort } from '../support/free-port.ts'
import { startProcess, temporaryFolder } from '../support/process.ts'

const cheap = { BCRYPT_COST: '4' }
const patient = { interval: 50, timeout: 20_000 }

/** Some 600 KB of entries, 2,500 of them: more than the pipe and its reader take in. */
async function fillLog(url: string): Promise<void> {
  for (let count = 0; count < 100; count++) {
    const answers = Array.from({ length: 25 }, () => fetch(`${url}/health/live`))
    for (const answer of await Promise.all(answers)) expect(await answer.json()).toBeDefined()
  }
}

describe('a log', () => {
  it.runIf(process.platform === 'linux')('on a disk that is full stops nobody', async () => {
    const port = await freePort()
    const stdout = openSync('/dev/full', 'w')
    // An address of its own, on which nobody takes the port meanwhile.
    const env = { ...cheap, HOST: '127.0.0.2', PORT: String(port) }
    const server = startProcess(temporaryFolder(), env, { stdout })
    const client = createClient(`http://127.0.0.2:${port}`)
    const live = () =>
      fetch(`${client.url}/health/live`).then(
        ({ ok }) => ok,
        () => false,
      )
    await expect.poll(live, patient).toBe(true)
    const { email, password } = await client.register()
    for (let count = 0; count < 20; count++) {
      expect((await client.login(email, password)).errors).toBeUndefined()
    }
    server.child.kill('SIGTERM')
    expect(await server.ended).toBe(0)
    expect(server.stderr()).toBe('')
  })

  it('that nobody reads stops nobody, and is read later', async () => {
    const server = startProcess(temporaryFolder(), cheap)
    const url = await server.ready
    server.child.stdout!.pause()
    await fillLog(url)
    server.child.stdout!.resume()
    const entries = () => server.stdout().split('"path":"/health/live"').length - 1
    await expect.poll(entries, patient).toBe(2500)
  })

  it('that nobody reads does not hold up the end', async () => {
    const server = startProcess(temporaryFolder(), cheap)
    const url = await server.ready
    const ended = once(server.child, 'exit')
    server.child.stdout!.pause()
    await fillLog(url)
    server.child.kill('SIGTERM')
    expect(await ended).toEqual([0, null])
  })
})
