import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from '../support/client.ts'
import { percentiles } from './figures.ts'
import { brokenInvariants } from './invariants.ts'
import { answerOf } from './answer.ts'
import type { Scenario } from './lab.ts'

const clients = 8
/** From the first of the refreshes to the kill: the reply is on its way, or the statement, or neither. */
const mostMilliseconds = 60
const warmUpMilliseconds = 150

/** Someone who keeps one refresh token, the last that came. */
interface Holder {
  readonly email: string
  readonly password: string
  token: string
  /** Whether a refresh with `token` was sent and not answered. */
  isPending: boolean
}

export const killAroundRefresh: Scenario = {
  name: 'kill-around-refresh',
  shows:
    'SIGKILL around refreshes: who has only the old token gets the one successor, or signs in again; never two lines of descent.',
  engines: ['sqlite', 'postgresql'],
  rounds: { short: 3, long: 500 },
  async run(lab) {
    const database = await lab.createDatabase()
    const violations: string[] = []
    const readyMilliseconds: number[] = []
    const counts = {
      kills: 0,
      refreshes: 0,
      unanswered: 0,
      'successor again': 0,
      'signed in again': 0,
    }
    const successors = new Map<string, string>()
    const noteSuccessor = (token: string, successor: string) => {
      const known = successors.get(token)
      successors.set(token, successor)
      if (known !== undefined && known !== successor) violations.push('a token has two successors')
    }
    // Without grace what got lost cannot be asked for again: then the session must be over, wholly.
    const graceOf = (round: number) => (round % 3 === 2 ? '0s' : '5m')

    let instance = await lab.start(database, { env: { REFRESH_GRACE: graceOf(0) } })
    const holders: Holder[] = await Promise.all(
      Array.from({ length: clients }, async () => {
        const { email, password, refreshToken } = await instance.client.register()
        return { email, password, token: refreshToken, isPending: false }
      }),
    )
    const refreshUntilKilled = async (holder: Holder, client: Client, isKilled: () => boolean) => {
      while (!isKilled()) {
        holder.isPending = true
        const answer = await answerOf(client.refresh(holder.token))
        const successor = answer?.data?.refreshToken?.refreshToken
        if (successor === undefined) {
          if (answer) violations.push(`a refresh was refused: ${answer.text}`)
          counts.unanswered += 1
          return
        }
        noteSuccessor(holder.token, successor)
        Object.assign(holder, { token: successor, isPending: false })
        counts.refreshes += 1
      }
    }
    const askAgain = async (holder: Holder, client: Client, hasGrace: boolean) => {
      // Two tabs of it, at once.
      const answers = await Promise.all([
        client.refresh(holder.token),
        client.refresh(holder.token),
      ])
      const given = answers.map(
        (answer) => answer.data?.refreshToken?.refreshToken as string | undefined,
      )
      for (const token of given) if (token) noteSuccessor(holder.token, token)
      if (hasGrace || !holder.isPending) {
        const wanted = hasGrace ? 2 : 1
        if (given.filter(Boolean).length < wanted) {
          violations.push(`the last token is refused: ${answers.map(({ code }) => code).join()}`)
        }
      }
      if (given.every(Boolean)) {
        if (holder.isPending) counts['successor again'] += 1
        holder.token = given[0]!
      } else {
        // Without grace the second of two ends the session: nothing of it may live on.
        const descendant = given.find(Boolean) ?? holder.token
        const { code } = await client.refresh(descendant)
        if (code !== 'INVALID_REFRESH_TOKEN') violations.push(`an ended session says ${code}`)
        const { data } = await client.login(holder.email, holder.password)
        if (!data?.login) violations.push('cannot sign in again')
        else holder.token = data.login.refreshToken
        counts['signed in again'] += 1
      }
      holder.isPending = false
    }

    for (let round = 0; round < lab.rounds; round += 1) {
      let isKilled = false
      const { client } = instance
      const refreshing = holders.map((holder) => refreshUntilKilled(holder, client, () => isKilled))
      // Sometimes the very first refresh of a cold server, mostly one among many.
      if (round % 4 !== 0) await sleep(warmUpMilliseconds)
      await sleep(lab.random.between(0, mostMilliseconds))
      isKilled = true
      await instance.kill()
      await Promise.all(refreshing)
      counts.kills += 1
      const grace = graceOf(round)
      instance = await lab.start(database, { port: instance.port, env: { REFRESH_GRACE: grace } })
      readyMilliseconds.push(instance.readyMilliseconds)
      await Promise.all(holders.map((holder) => askAgain(holder, instance.client, grace !== '0s')))
      violations.push(...(await brokenInvariants(database)))
      lab.progress(`${round + 1} of ${lab.rounds} kills`)
    }
    return { counts: { ...counts, 'ready again, ms': percentiles(readyMilliseconds) }, violations }
  },
}
