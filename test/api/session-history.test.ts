// Several clients at once on two servers of one database, then a look back at the whole history.
import { describe, expect, it } from 'vitest'
import type { Answer } from '../support/client.ts'
import { operatorOf } from '../support/command.ts'
import {
  addressesWithTwoAccounts,
  hasSucceeded,
  History,
  refreshTokensWithTwoSuccessors,
  ruledOutCalls,
  step,
  unexpectedCodes,
} from '../support/history.ts'
import { randomOf } from '../support/random.ts'
import { startServer } from '../support/server.ts'

const clients = 6
const callsPerClient = 30

describe.each([1, 2])('a history of sign-ins, refreshes and revocations (%i)', (seed) => {
  it('holds no call that an earlier acknowledgement had ruled out', async () => {
    const server = await startServer({ LOG_LEVEL: 'warn' })
    const sibling = await server.sibling()
    const operator = operatorOf(server)
    const history = new History([() => server.client, () => sibling.client], randomOf(seed))

    // The same addresses from both servers at once: each has one owner.
    const emails = ['one', 'two', 'three'].map((name) => `${name}@example.com`)
    await Promise.all([...emails, ...emails].map((email) => history.register(email)))
    expect(history.accounts.map(({ email }) => email).toSorted()).toEqual(emails.toSorted())
    const closed = history.accounts[0]!
    await history.register('bystander@example.com')
    // Out of the others' reach.
    const [bystander] = history.sessions.splice(-1)

    const manySteps = async () => {
      for (let count = 0; count < callsPerClient; count += 1) await step(history)
    }
    const operate = async (command: string) =>
      history.record({ kind: command, account: closed, ends: 'account' }, async () => {
        const { status } = await operator.user([command, '--email', closed.email])
        return { errors: status === 0 ? undefined : [] } as unknown as Answer
      })
    const ordinary = async () => {
      for (let count = 0; count < callsPerClient; count += 1) {
        await history.use(bystander!, 'me', '{ me { id } }')
        await history.refresh(bystander!, bystander!.refreshTokens.at(-1)!)
      }
    }
    const traffic = Array.from({ length: clients }, manySteps)
    await Promise.all([operate('disable'), ordinary(), ...traffic])
    await manySteps()
    await operate('enable')
    await history.login(closed, closed.passwords.at(-1)!)
    expect(hasSucceeded(history.calls.at(-1)!)).toBe(true)
    await manySteps()

    expect(history.calls.filter(({ answer }) => answer === undefined)).toEqual([])
    expect(unexpectedCodes(history)).toEqual([])
    const undisturbed = history.calls.filter((call) => call.session === bystander)
    expect(undisturbed.filter((call) => !hasSucceeded(call))).toEqual([])
    const ruledOut = ruledOutCalls({
      calls: history.calls,
      sessions: [...history.sessions, bystander!],
    })
    expect(ruledOut.filter(hasSucceeded)).toEqual([])
    // Else the history has tried nothing.
    expect(ruledOut.length).toBeGreaterThan(20)
    expect(refreshTokensWithTwoSuccessors(history)).toEqual([])
    expect(addressesWithTwoAccounts(history)).toEqual([])
  })
})
