// Several processes on one port: what one of them has done or refused holds in all of them.
import { execFileSync } from 'node:child_process'
import { readFileSync, readdirSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { createClient, type Client } from '../support/client.ts'
import { createTestDatabase } from '../support/database.ts'
import { needs } from '../support/needs.ts'
import { eventually } from '../support/patience.ts'
import { startProcess, temporaryFolder, type ServerProcess } from '../support/process.ts'
import { testAppSecret } from '../support/server.ts'

interface Workers extends ServerProcess {
  /** Each request on a connection of its own, so that the workers take turns. */
  readonly client: Client
  /** Process ids of the workers that have answered a request since the last call. */
  readonly answering: () => number[]
  readonly close: () => Promise<void>
}

const count = 3

async function start(env: Record<string, string> = {}): Promise<Workers> {
  const database = await createTestDatabase()
  const server = startProcess(temporaryFolder(), {
    DATABASE_URL: database.url,
    APP_SECRET: testAppSecret,
    BCRYPT_COST: '4',
    WORKERS: String(count),
    ...env,
  })
  const close = async () => {
    server.child.kill('SIGKILL')
    await server.ended
    await database.remove()
  }
  try {
    onTestFinished(close)
  } catch {
    // Started in a hook, for several tests.
  }
  const client = createClient(await server.ready, { connection: 'close' })
  let seen = 0
  const answering = () => {
    const lines = server.log()
    const requests = lines.slice(seen).filter((line) => line['msg'] === 'request')
    seen = lines.length
    return [...new Set(requests.map((line) => line['pid'] as number))]
  }
  return { ...server, client, answering, close }
}

/** A server of whose workers not all listen yet. */
async function startUnready(): Promise<ServerProcess> {
  const database = await createTestDatabase()
  const server = startProcess(temporaryFolder(), {
    DATABASE_URL: database.url,
    APP_SECRET: testAppSecret,
    WORKERS: String(count),
  })
  onTestFinished(async () => {
    server.child.kill('SIGKILL')
    await server.ended
    await database.remove()
  })
  return server
}

/** Process ids, from the kernel. */
function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .split(' ')
    .flatMap((text) => (text.trim() === '' ? [] : [Number(text)]))
}

function killIfThere(pid: number, signal: NodeJS.Signals) {
  try {
    process.kill(pid, signal)
  } catch {
    // It has ended already.
  }
}

/** Servers of several processes are started and worked hard. */
const long = { timeout: 120_000 }

/** Asks until every worker has answered. */
async function meetAll(server: Workers): Promise<number[]> {
  const met = new Set<number>()
  for (let round = 0; met.size < count && round < 50; round += 1) {
    await server.client.send('{ __typename }')
    await eventually(() => expect(server.log().length).toBeGreaterThan(0))
    for (const pid of server.answering()) met.add(pid)
  }
  expect(met.size).toBe(count)
  return [...met]
}

describe('workers', () => {
  let server: Workers
  beforeAll(async () => {
    server = await start()
    await meetAll(server)
  })
  afterAll(() => server.close())

  it('share one start, one banner and one set of keys, and name themselves in the log', async () => {
    expect(server.stdout().match(/listening on/g)).toHaveLength(1)
    expect(server.stderr()).toBe('')
    const keys = await Promise.all(
      Array.from({ length: 2 * count }, async () => {
        const response = await fetch(`${server.client.url}/.well-known/jwks.json`, {
          headers: { connection: 'close' },
        })
        return response.text()
      }),
    )
    expect(new Set(keys).size).toBe(1)
    const requests = server.log().filter((line) => line['msg'] === 'request')
    expect(new Set(requests.map((line) => line['worker'])).size).toBe(count)
  })

  it('all refuse a session that was ended by one', async () => {
    const { accessToken, refreshToken } = await server.client.register()
    const me = () => server.client.as(accessToken).send('{ me { id } }')
    for (let round = 0; round < 2 * count; round += 1) {
      expect((await me()).errors).toBeUndefined()
    }
    await server.client.as(accessToken).send('mutation { logout }')
    for (let round = 0; round < 2 * count; round += 1) {
      expect((await me()).reason).toBe('SESSION_ENDED')
      expect((await server.client.refresh(refreshToken)).reason).toBe('SESSION_ENDED')
    }
  })

  it('count attempts together', async () => {
    const { email } = await server.client.register()
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => server.client.login(email, 'not the password')),
    )
    const codes = answers.map((answer) => answer.code)
    expect(codes.filter((code) => code === 'INVALID_CREDENTIALS')).toHaveLength(5)
    expect(codes.filter((code) => code === 'RATE_LIMITED')).toHaveLength(15)
  })

  it('give a refresh token one successor, whichever worker is asked', async () => {
    for (let round = 0; round < 10; round += 1) {
      const { refreshToken } = await server.client.register()
      const answers = await Promise.all(
        Array.from({ length: 8 }, () => server.client.refresh(refreshToken)),
      )
      const successors = answers.map((answer) => answer.data?.refreshToken?.refreshToken as string)
      expect(new Set(successors).size).toBe(1)
      expect(successors[0]).toMatch(/^lkr_/)
    }
  })
})

describe('a worker that is killed', long, () => {
  it('is missed by no one and comes back', async () => {
    const server = await start()
    const before = await meetAll(server)
    const person = await server.client.register()
    process.kill(before[0]!, 'SIGKILL')
    await eventually(() =>
      expect(server.log().some((line) => line['msg'] === 'A worker died')).toBe(true),
    )
    // From here on the primary knows: no request is handed to the dead.
    for (let round = 0; round < 20; round += 1) {
      const me = await server.client.as(person.accessToken).send('{ me { email } }')
      expect(me.data).toEqual({ me: { email: person.email } })
    }
    await eventually(async () => {
      await server.client.send('{ __typename }')
      expect(server.answering().some((pid) => !before.includes(pid))).toBe(true)
    })
    expect(server.stdout().match(/listening on/g)).toHaveLength(1)
  })

  it('over and over is started after longer and longer waits', async () => {
    const server = await start({ WORKERS: '2' })
    for (let deaths = 1; deaths <= 3; deaths += 1) {
      const worker = await eventually(async () => {
        await server.client.send('{ __typename }')
        const lines = server.log().filter((line) => line['msg'] === 'request')
        // The third: the first that is not one of the two of the start.
        const line = lines.findLast((entry) => deaths === 1 || (entry['worker'] as number) > 2)
        expect(line).toBeDefined()
        process.kill(line!['pid'] as number, 0)
        return line!['pid'] as number
      })
      process.kill(worker, 'SIGKILL')
      await eventually(() =>
        expect(server.log().filter((line) => line['msg'] === 'A worker died')).toHaveLength(deaths),
      )
    }
    const waits = server
      .log()
      .filter((line) => line['msg'] === 'A worker died')
      .map((line) => line['restartInMilliseconds'])
    expect(waits).toEqual([0, 500, 1000])
  })
})

describe('the primary', long, () => {
  it.each(['SIGTERM', 'SIGINT'] as const)(
    'on %s lets every worker answer what it has begun, and ends with 0',
    async (signal) => {
      // Dear enough to be under way when the signal comes.
      const server = await start({ BCRYPT_COST: '10', THROTTLE: 'off' })
      const workers = await meetAll(server)
      const { email, password } = await server.client.register()
      const logins = Array.from({ length: 2 * count }, () => server.client.login(email, password))
      // Connections are handed out in their order: when every worker has answered one of these, it has
      // started what came before.
      const later = Array.from({ length: 3 * count }, () =>
        fetch(`${server.client.url}/health/live`),
      )
      for (const answer of later) await (await answer).text()
      server.child.kill(signal)
      for (const login of logins) expect((await login).errors).toBeUndefined()
      expect(await server.ended).toBe(0)
      for (const pid of workers) expect(() => process.kill(pid, 0)).toThrow('ESRCH')
    },
  )

  it('says by its status that a worker died while it stopped, and starts no other', async () => {
    const server = await start({ WORKERS: '2' })
    const primary = server.child.pid!
    const workers = childrenOf(primary)
    expect(workers).toHaveLength(2)
    // It cannot hear of the stop, so that it is there to die when the other has ended.
    process.kill(workers[0]!, 'SIGSTOP')
    server.child.kill('SIGTERM')
    await eventually(() => expect(childrenOf(primary)).toEqual([workers[0]]))
    process.kill(workers[0]!, 'SIGKILL')
    expect(await server.ended).toBe(1)
    for (const pid of workers) expect(() => process.kill(pid, 0)).toThrow('ESRCH')
    expect(server.log().filter((line) => line['msg'] === 'A worker died')).toEqual([])
  })

  it.each(['itself', 'the whole group'] as const)(
    'stops at once, and ends with 0, where workers are still starting and %s gets the signal',
    async (receiver) => {
      const server = await startUnready()
      const workers = await eventually(() => {
        const pids = childrenOf(server.child.pid!)
        expect(pids.length).toBeGreaterThan(1)
        return pids
      }, 5)
      server.child.kill('SIGTERM')
      if (receiver === 'the whole group') for (const pid of workers) killIfThere(pid, 'SIGTERM')
      // It would be 1 if they had to be forced.
      expect(await server.ended).toBe(0)
      for (const pid of workers) expect(() => process.kill(pid, 0)).toThrow('ESRCH')
    },
  )

  it(
    'outlives a restart that fails for want of files, and tries again',
    needs('prlimit'),
    async () => {
      const server = await start({ WORKERS: '2' })
      await server.client.send('{ __typename }')
      const primary = server.child.pid!
      const limitFiles = (most: number) =>
        execFileSync('prlimit', ['--pid', String(primary), `--nofile=${most}:4096`])
      limitFiles(readdirSync(`/proc/${primary}/fd`).length)
      process.kill(childrenOf(primary)[0]!, 'SIGKILL')
      const has = (message: string) => server.log().some((line) => line['msg'] === message)
      await eventually(() => expect(has('A worker could not be started')).toBe(true))
      expect((await server.client.send('{ __typename }')).errors).toBeUndefined()
      limitFiles(1024)
      await eventually(() => expect(childrenOf(primary)).toHaveLength(2))
      server.child.kill('SIGTERM')
      expect(await server.ended).toBe(0)
    },
  )

  it('takes its workers along when it is killed', async () => {
    const server = await start()
    const workers = await meetAll(server)
    server.child.kill('SIGKILL')
    await server.ended
    await eventually(() => {
      for (const pid of workers) expect(() => process.kill(pid, 0)).toThrow('ESRCH')
    })
    await expect(server.client.send('{ __typename }')).rejects.toThrow('fetch failed')
  })

  it('ends with the message of the first worker if that cannot start, said once', async () => {
    const busy = createServer().listen(0, '127.0.0.1')
    onTestFinished(() => void busy.close())
    await new Promise((resolve) => {
      busy.once('listening', resolve)
    })
    const { port } = busy.address() as AddressInfo
    const server = startProcess(temporaryFolder(), { PORT: String(port), WORKERS: String(count) })
    expect(await server.ended).toBe(1)
    expect(server.stderr()).toBe(
      `Latchkey could not start: port ${port} of 127.0.0.1 is in use. Stop the other program, or set PORT.\n`,
    )
    expect(server.stdout()).toBe('')
  })
})
