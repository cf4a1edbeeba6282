import { setTimeout as sleep } from 'node:timers/promises'
import { percentiles, sum } from './figures.ts'
import { brokenInvariants, lostWrites } from './invariants.ts'
import { Journal } from './journal.ts'
import type { Scenario } from './lab.ts'

const clients = 8
/** From the first response to the kill. */
const leastMilliseconds = 50
const mostMilliseconds = 500
/** Later counts as late. */
const readyWithinMilliseconds = 2000
/** What got lost is asked for again after a restart, however long that took. */
const env = { REFRESH_GRACE: '5m' }

export const killUnderWrites: Scenario = {
  name: 'kill-under-writes',
  shows:
    'SIGKILL at random under writes loses nothing that was acknowledged and leaves nothing half done.',
  engines: ['sqlite', 'postgresql'],
  rounds: { short: 3, long: 300 },
  async run(lab) {
    const database = await lab.createDatabase()
    let instance = await lab.start(database, { env })
    const journals = Array.from(
      { length: clients },
      (_, index) =>
        new Journal({ client: () => instance.client, random: lab.random, name: `client${index}` }),
    )
    const violations: string[] = []
    const readyMilliseconds: number[] = []

    for (let round = 1; round <= lab.rounds; round += 1) {
      let isKilled = false
      const writing = journals.map((journal) => journal.writeUntil(() => isKilled))
      // A server that is cold answers nothing for a while: what would be tried then is always the same.
      await Promise.race([...writing, ...journals.map((journal) => journal.nextAcknowledgement())])
      await sleep(lab.random.between(leastMilliseconds, mostMilliseconds))
      isKilled = true
      await instance.kill()
      await Promise.all(writing)
      instance = await lab.start(database, { port: instance.port, env })
      readyMilliseconds.push(instance.readyMilliseconds)
      await Promise.all(journals.map((journal) => journal.verify()))
      violations.push(...(await brokenInvariants(database)))
      lab.progress(`${round} of ${lab.rounds} kills`)
    }
    const accounts = journals.flatMap((journal) => journal.accounts)
    violations.push(
      ...journals.flatMap((journal) => journal.violations),
      ...(await lostWrites(database, accounts)),
    )
    return {
      counts: {
        kills: lab.rounds,
        accounts: accounts.length,
        acknowledged: sum(journals.map(({ counts }) => counts.acknowledged)),
        unanswered: sum(journals.map(({ counts }) => counts.unanswered)),
        'ready again, ms': percentiles(readyMilliseconds),
        'ready later than 2 s': readyMilliseconds.filter((time) => time > readyWithinMilliseconds)
          .length,
      },
      violations,
    }
  },
}
