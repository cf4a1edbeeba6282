import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Answer } from '../support/client.ts'
import {
  addressesWithTwoAccounts,
  hasSucceeded,
  History,
  refreshTokensWithTwoSuccessors,
  ruledOutCalls,
  sessionsThatMustLive,
  step,
  unexpectedCodes,
  type Account,
} from '../support/history.ts'
import { appSecret, type Instance } from './instance.ts'
import { brokenInvariants } from './invariants.ts'
import type { Lab, LabDatabase, Scenario } from './lab.ts'

const clients = 8
const addresses = 12
const command = join(import.meta.dirname, '../../dist/commands/user.js')
const env = { REFRESH_GRACE: '5m' }

export const historyChecking: Scenario = {
  name: 'history',
  shows:
    'Clients on two instances at random, with kills and pauses: no call that began after an acknowledged revocation succeeds, one e-mail is one account, one refresh token has one successor.',
  engines: ['sqlite', 'postgresql'],
  // Calls.
  rounds: { short: 400, long: 10_000 },
  async run(lab) {
    const database = await lab.createDatabase()
    const instances = [await lab.start(database, { env }), await lab.start(database, { env })]
    const history = new History(
      [() => instances[0]!.client, () => instances[1]!.client],
      lab.random,
    )
    for (let index = 0; index < 4; index += 1) await history.register(`person${index}@example.com`)

    const counts = { kills: 0, pauses: 0, 'operations of operators': 0 }
    const isOver = () => history.calls.length >= lab.rounds
    const traffic = Array.from({ length: clients }, async () => {
      while (!isOver()) {
        if (lab.random.next() < 0.05) {
          await history.register(`person${lab.random.between(0, addresses - 1)}@example.com`)
        } else await step(history)
        // Else whoever meets the instance that is away makes most of the history.
        if (history.calls.at(-1)?.answer === undefined) await sleep(50)
      }
    })
    const disturb = async () => {
      do {
        await sleep(lab.random.between(200, 1500))
        const index = lab.random.between(0, 1)
        if (lab.random.next() < 0.5) {
          counts.pauses += 1
          await pause(instances[index]!, lab.random.between(100, 1500))
        } else {
          counts.kills += 1
          await instances[index]!.kill()
          instances[index] = await lab.start(database, { port: instances[index]!.port, env })
        }
        lab.progress(`${history.calls.length} of ${lab.rounds} calls`)
      } while (!isOver())
    }
    const operate = async () => {
      while (!isOver()) {
        await sleep(lab.random.between(200, 1000))
        const account = history.pick(history.accounts)
        const kind = lab.random.pick(['disable', 'delete', 'end-sessions'])
        await runCommand(history, database, kind, account)
        counts['operations of operators'] += 1
        if (kind !== 'disable') continue
        await sleep(lab.random.between(100, 500))
        await runCommand(history, database, 'enable', account)
      }
    }
    await Promise.all([...traffic, disturb(), operate()])

    const ruledOut = ruledOutCalls(history)
    const violations = [
      ...ruledOut
        .filter(hasSucceeded)
        .map(({ kind, account }) => `${kind} of ${account.email} succeeded after its end`),
      ...refreshTokensWithTwoSuccessors(history).map(() => 'a refresh token has two successors'),
      ...addressesWithTwoAccounts(history).map((email) => `${email} has two accounts`),
      ...unexpectedCodes(history)
        // A wait for a paused instance that was too long; masked.
        .filter((code) => code !== 'INTERNAL_SERVER_ERROR')
        .map((code) => `an answer has the code ${code}`),
      ...(await lostSessions(lab, history, instances[0]!)),
      ...(await brokenInvariants(database)),
    ]
    return {
      counts: {
        calls: history.calls.length,
        succeeded: history.calls.filter(hasSucceeded).length,
        unanswered: history.calls.filter(({ answer }) => answer === undefined).length,
        'ruled out by an acknowledgement': ruledOut.length,
        accounts: history.accounts.length,
        sessions: history.sessions.length,
        ...counts,
      },
      violations,
    }
  },
}

/** Of sessions that no one can have ended, whether the newest tokens still work. */
async function lostSessions(lab: Lab, history: History, { client }: Instance): Promise<string[]> {
  const lost: string[] = []
  const living = sessionsThatMustLive(history)
  for (const session of living) {
    const { code } = await client.refresh(session.refreshTokens.at(-1)!)
    if (code !== undefined) lost.push(`a session of ${session.account.email} is lost: ${code}`)
  }
  lab.progress(`${living.length} sessions had to live`)
  return lost
}

async function pause(instance: Instance, milliseconds: number): Promise<void> {
  instance.pause()
  await sleep(milliseconds)
  instance.resume()
}

/** What an operator does, recorded like everything else. */
function runCommand(history: History, database: LabDatabase, kind: string, account: Account) {
  return history.record({ kind, account, ends: 'account' }, () => {
    const environment = {
      PATH: process.env['PATH'],
      DATABASE_URL: database.url,
      APP_SECRET: appSecret,
    }
    return new Promise<Answer>((resolve) => {
      execFile(
        process.execPath,
        // By its address it could be the next account that has it.
        [command, kind, '--id', account.id!],
        { env: environment },
        // What failed has told no one that it is done.
        (error) => resolve({ errors: error ? [] : undefined } as unknown as Answer),
      )
    })
  })
}
