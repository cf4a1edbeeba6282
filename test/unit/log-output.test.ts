// If the log cannot be written, users are served all the same.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { openSync } from 'node:fs'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createClient } from '../support/client.ts'
import { freePort } from '../support/free-port.ts'
import { needs } from '../support/needs.ts'
import { startProcess, temporaryFolder } from '../support/process.ts'

const cheap = { BCRYPT_COST: '4' }

/** Some 600 KB of entries, 2,500 of them: more than the pipe and its reader take in. */
async function fillLog(url: string): Promise<void> {
  for (let count = 0; count < 100; count++) {
    const answers = Array.from({ length: 25 }, () => fetch(`${url}/health/live`))
    for (const answer of await Promise.all(answers)) expect(await answer.json()).toBeDefined()
  }
}

describe('a log', () => {
  it('on a disk that is full stops no one', needs('Linux'), async () => {
    const port = await freePort()
    const stdout = openSync('/dev/full', 'w')
    // An address of its own, on which no one takes the port meanwhile.
    const env = { ...cheap, HOST: '127.0.0.2', PORT: String(port) }
    const server = startProcess(temporaryFolder(), env, { stdout })
    const client = createClient(`http://127.0.0.2:${port}`)
    const live = () =>
      fetch(`${client.url}/health/live`).then(
        ({ status }) => status,
        () => server.stderr(),
      )
    await expect.poll(live).toBe(200)
    const { email, password } = await client.register()
    for (let count = 0; count < 20; count++) {
      expect((await client.login(email, password)).errors).toBeUndefined()
    }
    server.child.kill('SIGTERM')
    expect(await server.ended).toBe(0)
    expect(server.stderr()).toBe('')
  })

  it('that no one reads stops no one, and is read later', async () => {
    const server = startProcess(temporaryFolder(), cheap)
    const url = await server.ready
    server.child.stdout!.pause()
    await fillLog(url)
    server.child.stdout!.resume()
    const entries = () => server.stdout().split('"path":"/health/live"').length - 1
    await expect.poll(entries).toBe(2500)
  })

  it('that no one reads does not hold up the end', async () => {
    const server = startProcess(temporaryFolder(), cheap)
    const url = await server.ready
    const ended = once(server.child, 'exit')
    server.child.stdout!.pause()
    await fillLog(url)
    server.child.kill('SIGTERM')
    expect(await ended).toEqual([0, null])
  })

  describe('whose pipe is full', needs('Linux'), () => {
    it('still gets the last entry of a process that ends', async () => {
      // Time stands still: the end waits for its reader, however long that takes here.
      const child = startFilled(`
        performance.now = () => 0
        log.fatal('the last words')
        process.exit(1)`)
      child.stdout.resume()
      expect(await child.ended).toBe(1)
      expect(child.text()).toContain('"msg":"the last words"')
    })

    it('keeps what fits, and says how many entries it has lost', async () => {
      const child = startFilled(`
        for (let count = 0; count < 5000; count++) {
          log.info({ filling: '-'.repeat(500) })
          if (count % 50 === 0) await new Promise(setImmediate)
        }
        writeSync(2, 'logged')
        process.stdin.resume().on('end', () => process.exit())`)
      await expect.poll(() => child.errors()).toContain('logged')
      child.stdout.resume()
      const lost = () => /"entries":(\d+),"msg":"Log entries were lost/.exec(child.text())?.[1]
      await expect.poll(lost).toBeDefined()
      child.stdin.end()
      expect(await child.ended).toBe(0)
      const kept = child.text().split('"filling"').length - 1
      expect(kept).toBeGreaterThan(1000)
      expect(kept + Number(lost())).toBe(5000)
    })
  })
})

/** A process with the server's log, whose standard output no one reads yet and is full. */
function startFilled(work: string) {
  const logger = new URL('../../dist/logging/logger.js', import.meta.url).href
  const script = `
    import { writeSync } from 'node:fs'
    import { createLogger } from '${logger}'
    // Node makes a pipe not block once something is written by its own means.
    console.log('begun')
    const log = createLogger('info')
    try {
      for (;;) writeSync(1, '.'.repeat(4095) + '\\n')
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error
    }
    ${work}`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script])
  onTestFinished(() => void child.kill('SIGKILL'))
  const [output, errors]: string[][] = [[], []]
  child.stdout.setEncoding('utf8').on('data', (text: string) => output!.push(text))
  child.stdout.pause()
  child.stderr.setEncoding('utf8').on('data', (text: string) => errors!.push(text))
  const ended = once(child, 'close').then(([status]) => status as number)
  return Object.assign(child, {
    ended,
    text: () => output!.join(''),
    errors: () => errors!.join(''),
  })
}
