import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from '../support/client.ts'
import { brokenInvariants } from './invariants.ts'
import { answerOf } from './answer.ts'
import type { Scenario } from './lab.ts'

/** Wrong passwords that one address may try at one account before it has to wait. */
const freeAttempts = 5
const bystanders = 4
const password = 'a password of somebody'
/** Attempts are counted; every user comes from an address of their own. */
const env = { THROTTLE: 'on', TRUST_PROXY: '1', REFRESH_GRACE: '5m' }

export const losingAnInstance: Scenario = {
  name: 'losing-an-instance',
  shows:
    'One of two killed: what it acknowledged a moment before holds on the other, which fails nobody.',
  engines: ['sqlite', 'postgresql'],
  rounds: { short: 1, long: 100 },
  async run(lab) {
    const database = await lab.createDatabase()
    const violations: string[] = []
    const counts = { kills: 0, 'checks on the other': 0, 'requests on the other': 0 }
    let [survivor, victim] = [
      await lab.start(database, { env }),
      await lab.start(database, { env }),
    ]

    for (let round = 0; round < lab.rounds; round += 1) {
      const wrong = (what: string) => violations.push(`round ${round}: ${what}`)
      const { client } = survivor
      // Others continue at the survivor meanwhile, and notice nothing.
      const over = new AbortController()
      const undisturbed = Array.from({ length: bystanders }, async (_, index) => {
        const person = personAt(client, `bystander${round}-${index}`)
        let { refreshToken } = await person.register()
        while (!over.signal.aborted) {
          const answer = await answerOf(person.refresh(refreshToken))
          counts['requests on the other'] += 1
          if (!answer?.data?.refreshToken) {
            wrong(`a bystander was refused: ${answer?.text}`)
            return
          }
          refreshToken = answer.data.refreshToken.refreshToken
          await sleep(5)
        }
      })

      // Everything is asked of the victim; its last response is its death.
      const guessed = personAt(victim.client, `guessed${round}`)
      await guessed.register()
      for (let attempt = 0; attempt < freeAttempts; attempt += 1) {
        await guessed.login('not the password of this account', `stranger${round}`)
      }
      const person = personAt(victim.client, `person${round}`)
      const first = await person.register()
      const second = (await person.login(password)).data.login
      const third = (await person.login(password)).data.login
      const refreshed = (await person.refresh(first.refreshToken)).data.refreshToken
      const last = lab.random.pick([
        'mutation { logout }',
        'mutation { logout(scope: OTHERS) }',
        'mutation { logout(scope: ALL) }',
      ])
      const by = last.includes('OTHERS') ? refreshed : second
      const answer = await victim.client.as(by.accessToken).send(last)
      await victim.kill()
      counts.kills += 1
      if (answer.errors) wrong(`${last} says ${answer.text}`)

      const there = personAt(client, `person${round}`)
      const lives = async (token: string) =>
        (await client.as(token).send('{ me { id } }')).errors === undefined
      const expected = {
        'mutation { logout }': [true, false, true],
        'mutation { logout(scope: OTHERS) }': [true, false, false],
        'mutation { logout(scope: ALL) }': [false, false, false],
      }[last]
      for (const [index, session] of [refreshed, second, third].entries()) {
        counts['checks on the other'] += 1
        if ((await lives(session.accessToken)) !== expected![index]) {
          wrong(`after ${last} session ${index} ${expected![index] ? 'is lost' : 'lives'}`)
        }
      }
      const again = await there.refresh(first.refreshToken)
      const successor = again.data?.refreshToken?.refreshToken
      if (successor !== (expected![0] ? refreshed.refreshToken : undefined)) {
        wrong('the other gives another successor')
      }
      const blocked = await personAt(client, `guessed${round}`).login(
        'another guess at this account',
        `stranger${round}`,
      )
      if (blocked.code !== 'RATE_LIMITED') wrong(`a guess too many says ${blocked.text}`)
      counts['checks on the other'] += 2

      victim = await lab.start(database, { port: victim.port, env })
      over.abort()
      await Promise.all(undisturbed)
      violations.push(...(await brokenInvariants(database)))
      ;[survivor, victim] = [victim, survivor]
      lab.progress(`${round + 1} of ${lab.rounds} kills`)
    }
    return { counts, violations }
  },
}

/** Someone at an address of their own, as a proxy tells it. */
function personAt(client: Client, name: string) {
  const email = `${name}@example.com`
  const send = (query: string, variables: Record<string, unknown>, from = name) =>
    client.send(query, variables, { 'x-forwarded-for': addressOf(from) })
  return {
    register: async () => {
      const answer = await send(
        `mutation ($email: String!, $password: String!) {
          register(email: $email, password: $password) { accessToken refreshToken }
        }`,
        { email, password },
      )
      if (answer.errors) throw new Error(`register failed: ${answer.text}`)
      return answer.data.register as { accessToken: string; refreshToken: string }
    },
    login: (secret: string, from?: string) =>
      send(
        `mutation ($email: String!, $password: String!) {
          login(email: $email, password: $password) { accessToken refreshToken }
        }`,
        { email, password: secret },
        from,
      ),
    refresh: (refreshToken: string) =>
      send(
        `mutation ($refreshToken: String) {
          refreshToken(refreshToken: $refreshToken) { accessToken refreshToken }
        }`,
        { refreshToken },
      ),
  }
}

/** One of the network for benchmarks (RFC 2544), the same for the same name. */
function addressOf(name: string): string {
  const hash = Buffer.from(name).reduce((total, byte) => (total * 31 + byte) % 131_072, 7)
  return `198.${18 + (hash >> 16)}.${(hash >> 8) & 255}.${hash & 255}`
}
