import { setTimeout as sleep } from 'node:timers/promises'
import { percentiles, sum } from './figures.ts'
import { brokenInvariants, lostWrites } from './invariants.ts'
import { Journal } from './journal.ts'
import type { Scenario } from './lab.ts'
import { MaskedFailures } from './masked-failures.ts'

const clients = 8
const pauseMilliseconds = 20
/** From one crash of the database to the next. */
const leastMilliseconds = 1500
const mostMilliseconds = 4000
const env = { REFRESH_GRACE: '5m' }

export const databaseRestarts: Scenario = {
  name: 'database-restarts',
  shows:
    'PostgreSQL restarted at once every few seconds under writes: nothing lost, the server stays and is back by itself.',
  engines: ['postgresql'],
  rounds: { short: 2, long: 60 },
  async run(lab) {
    const database = await lab.createDatabase()
    const instance = await lab.start(database, { env })
    const journals = Array.from(
      { length: clients },
      (_, index) =>
        new Journal({
          client: () => failures.watch(instance.client),
          random: lab.random,
          name: `client${index}`,
        }),
    )
    const failures = new MaskedFailures()
    const violations: string[] = []
    const downMilliseconds: number[] = []
    const failingMilliseconds: number[] = []

    for (let round = 1; round <= lab.rounds; round += 1) {
      let isOver = false
      const writing = journals.map((journal) =>
        journal.writeUntil(
          () => isOver,
          () => sleep(pauseMilliseconds),
        ),
      )
      await sleep(lab.random.between(leastMilliseconds, mostMilliseconds))
      const crashedAt = performance.now()
      await lab.restartDatabaseServer()
      const upAt = performance.now()
      await Promise.all(journals.map((journal) => journal.nextAcknowledgement()))
      downMilliseconds.push(upAt - crashedAt)
      failingMilliseconds.push(performance.now() - upAt)
      isOver = true
      await Promise.all(writing)
      await Promise.all(journals.map((journal) => journal.verify()))
      violations.push(...(await brokenInvariants(database)))
      if (instance.status() !== undefined) {
        violations.push(`the server has ended: ${instance.output()}`)
        break
      }
      lab.progress(`${round} of ${lab.rounds} restarts`)
    }
    const accounts = journals.flatMap((journal) => journal.accounts)
    violations.push(
      ...failures.violations,
      ...journals.flatMap((journal) => journal.violations),
      ...(await lostWrites(database, accounts)),
    )
    return {
      counts: {
        restarts: lab.rounds,
        accounts: accounts.length,
        acknowledged: sum(journals.map(({ counts }) => counts.acknowledged)),
        unanswered: sum(journals.map(({ counts }) => counts.unanswered)),
        'masked 503': failures.count,
        'PostgreSQL away, ms': percentiles(downMilliseconds),
        'until every client is served again, ms': percentiles(failingMilliseconds),
      },
      violations,
    }
  },
}
