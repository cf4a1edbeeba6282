// Several clients at once on two servers of one database, then a look back at the whole history, as
// Jepsen does it: what was acknowledged before a call began must hold for that call.
import { describe, expect, it } from 'vitest'
import type { Answer, Client } from '../support/client.ts'
import { operatorOf } from '../support/command.ts'
import { startServer } from '../support/server.ts'
import { decodeCompact } from '../support/signing.ts'

const clients = 6
const callsPerClient = 30

interface Account {
  readonly email: string
  /** Every password that it ever had, or may have got; the last is the newest. */
  readonly passwords: string[]
}

interface Session {
  readonly account: Account
  readonly id: string
  readonly begunBy: Call
  accessToken: string
  /** From the first to the newest. */
  readonly refreshTokens: string[]
}

/** What one call did, and when it was under way. */
interface Call {
  readonly kind: string
  readonly account: Account
  /** Whose token it used. */
  readonly session?: Session | undefined
  /** What it was told to end. */
  readonly ends?: 'account' | 'others' | Session
  /** The password or refresh token that it presented. */
  readonly credential?: string
  readonly startedAt: number
  endedAt: number
  answer?: Answer
}

const hasSucceeded = (call: Call) => call.answer !== undefined && call.answer.errors === undefined
const authPayload = 'accessToken refreshToken'

class History {
  readonly calls: Call[] = []
  readonly accounts: Account[] = []
  readonly sessions: Session[] = []
  readonly #servers: readonly Client[]
  readonly #random: () => number

  constructor(servers: readonly Client[], seed: number) {
    this.#servers = servers
    this.#random = randomNumbers(seed)
  }

  pick<T>(list: readonly T[]): T {
    return list[Math.floor(this.#random() * list.length)]!
  }

  async record(
    what: Omit<Call, 'startedAt' | 'endedAt' | 'answer'>,
    perform: (server: Client) => Promise<Answer>,
  ): Promise<Call> {
    const call: Call = { ...what, startedAt: performance.now(), endedAt: Number.POSITIVE_INFINITY }
    this.calls.push(call)
    call.answer = await perform(this.pick(this.#servers))
    call.endedAt = performance.now()
    return call
  }

  async register(email: string): Promise<void> {
    const account: Account = { email, passwords: [`first password of ${email}`] }
    const credential = account.passwords[0]!
    const call = await this.record({ kind: 'register', account, credential }, (server) =>
      server.send(
        `mutation ($email: String!, $password: String!) {
          register(email: $email, password: $password) { ${authPayload} }
        }`,
        { email, password: credential },
      ),
    )
    if (!hasSucceeded(call)) return
    this.accounts.push(account)
    this.#begin(call, 'register')
  }

  async login(account: Account, password: string): Promise<void> {
    const call = await this.record({ kind: 'login', account, credential: password }, (server) =>
      server.login(account.email, password),
    )
    if (hasSucceeded(call)) this.#begin(call, 'login')
  }

  async refresh(session: Session, refreshToken: string): Promise<void> {
    const { account } = session
    const call = await this.record(
      { kind: 'refresh', account, session, credential: refreshToken },
      (server) => server.refresh(refreshToken),
    )
    if (hasSucceeded(call)) this.#renew(session, call.answer!.data.refreshToken)
  }

  async changePassword(session: Session): Promise<void> {
    const { account } = session
    const current = account.passwords.at(-1)!
    const next = `password ${this.calls.length} of ${account.email}`
    const call = await this.record(
      { kind: 'changePassword', account, session, ends: 'others', credential: current },
      (server) =>
        server.as(session.accessToken).send(
          `mutation ($current: String, $next: String!) {
            changePassword(currentPassword: $current, newPassword: $next) { ${authPayload} }
          }`,
          { current, next },
        ),
    )
    if (!hasSucceeded(call)) return
    account.passwords.push(next)
    this.#renew(session, call.answer!.data.changePassword)
  }

  /** A guarded operation with a session's access token. */
  async use(session: Session, kind: string, query: string, ends?: Call['ends']): Promise<void> {
    const { account } = session
    await this.record({ kind, account, session, ...(ends && { ends }) }, (server) =>
      server.as(session.accessToken).send(query),
    )
  }

  #begin(call: Call, field: string): void {
    const { accessToken, refreshToken } = call.answer!.data[field]
    const id = String(decodeCompact(accessToken).claims['sid'])
    const { account } = call
    this.sessions.push({ account, id, begunBy: call, accessToken, refreshTokens: [refreshToken] })
  }

  #renew(session: Session, pair: { accessToken: string; refreshToken: string }): void {
    session.accessToken = pair.accessToken
    if (!session.refreshTokens.includes(pair.refreshToken)) {
      session.refreshTokens.push(pair.refreshToken)
    }
  }

  /** Whether the call, once acknowledged, has ended the session. */
  hasEnded(call: Call, session: Session): boolean {
    if (call.answer?.code === 'REFRESH_TOKEN_REUSED') return call.session === session
    if (!hasSucceeded(call) || call.ends === undefined) return false
    if (typeof call.ends === 'object') return call.ends === session
    if (call.account !== session.account) return false
    if (call.ends === 'others' && call.session === session) return false
    // One that was begun meanwhile may have come after; but not with a password that was changed.
    const { begunBy } = session
    return (
      begunBy.endedAt < call.startedAt ||
      (call.kind === 'changePassword' && begunBy.credential === call.credential)
    )
  }
}

/** One step of a client: mostly ordinary, now and then hostile, on whatever session there is. */
async function step(history: History): Promise<void> {
  const session = history.pick(history.sessions)
  const { account } = session
  const other = history.pick(history.sessions.filter((each) => each.account === account))
  const steps: (() => Promise<unknown>)[] = [
    () => history.use(session, 'me', '{ me { id } }'),
    () => history.use(session, 'protected', '{ protected }'),
    () => history.refresh(session, session.refreshTokens.at(-1)!),
    () => history.refresh(session, session.refreshTokens.at(-1)!),
    () => history.refresh(session, history.pick(session.refreshTokens)),
    () => history.login(account, account.passwords.at(-1)!),
    () => history.login(account, account.passwords.at(-1)!),
    () => history.login(account, history.pick(account.passwords)),
    () => history.changePassword(session),
    () => history.use(session, 'logout', 'mutation { logout }', session),
    () => history.use(session, 'logoutOthers', 'mutation { logout(scope: OTHERS) }', 'others'),
    () => history.use(session, 'revoke', `mutation { revokeSession(id: "${other.id}") }`, other),
  ]
  await history.pick(steps)()
}

describe.each([1, 2])('a history of sign-ins, refreshes and revocations (%i)', (seed) => {
  it('holds no call that an earlier acknowledgement had ruled out', async () => {
    const server = await startServer({ LOG_LEVEL: 'warn' })
    const sibling = await server.sibling()
    const operator = operatorOf(server)
    const history = new History([server.client, sibling.client], seed)

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
    const [disabled] = await Promise.all([operate('disable'), ordinary(), ...traffic])
    await manySteps()
    const enabled = await operate('enable')
    await history.login(closed, closed.passwords.at(-1)!)
    expect(hasSucceeded(history.calls.at(-1)!)).toBe(true)
    await manySteps()

    expect(unexpectedCodes(history.calls)).toEqual([])
    const undisturbed = history.calls.filter((call) => call.session === bystander)
    expect(undisturbed.filter((call) => !hasSucceeded(call))).toEqual([])
    const ruledOut = [
      ...callsOfEndedSessions(history),
      ...callsWithOldPasswords(history),
      ...history.calls.filter(
        (call) =>
          call.account === closed &&
          call.startedAt > disabled.endedAt &&
          call.endedAt < enabled.startedAt,
      ),
    ].filter((call) => call.kind !== 'logout')
    expect(ruledOut.filter(hasSucceeded)).toEqual([])
    // Else the history has tried nothing.
    expect(ruledOut.length).toBeGreaterThan(20)
    expect(refreshTokensWithTwoSuccessors(history)).toEqual([])
  })
})

/** Codes that no step can have asked for: whatever goes wrong, it has a code of the list. */
function unexpectedCodes(calls: readonly Call[]) {
  const expected = new Set<string | undefined>([
    undefined,
    'UNAUTHENTICATED',
    'INVALID_REFRESH_TOKEN',
    'REFRESH_TOKEN_REUSED',
    'INVALID_CREDENTIALS',
    'EMAIL_TAKEN',
  ])
  return calls.map(({ answer }) => answer?.code).filter((code) => !expected.has(code))
}

/** Calls that began after it was acknowledged that their session is ended. */
function callsOfEndedSessions(history: History): Call[] {
  return history.sessions.flatMap((session) => {
    const ends = history.calls.filter((call) => history.hasEnded(call, session))
    const endedAt = Math.min(...ends.map((call) => call.endedAt))
    return history.calls.filter((call) => call.session === session && call.startedAt > endedAt)
  })
}

/** Sign-ins with a password that began after it was acknowledged that it is changed. */
function callsWithOldPasswords({ calls }: History): Call[] {
  const changes = calls.filter((call) => call.kind === 'changePassword' && hasSucceeded(call))
  return calls.filter(
    (call) =>
      call.kind === 'login' &&
      changes.some(
        (change) => change.credential === call.credential && change.endedAt < call.startedAt,
      ),
  )
}

function refreshTokensWithTwoSuccessors({ calls }: History): string[] {
  const successors = new Map<string, string>()
  return calls.flatMap((call) => {
    if (call.kind !== 'refresh' || !hasSucceeded(call)) return []
    const { refreshToken } = call.answer!.data.refreshToken as { refreshToken: string }
    const known = successors.get(call.credential!)
    successors.set(call.credential!, refreshToken)
    return known === undefined || known === refreshToken ? [] : [call.credential!]
  })
}

/** Mulberry32. */
function randomNumbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
