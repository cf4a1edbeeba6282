/**
 * What several clients at once did with their sessions, and a look back at it, as Jepsen does it: what
 * was acknowledged before a call started must hold for that call.
 */
import type { Answer, Client } from './client.ts'
import type { Random } from './random.ts'

export interface Account {
  /** Absent until its registration got a response. */
  id?: string
  /** Of one account at a time; after its end, of another one. */
  readonly email: string
  /** Every password that it ever had, or may have got; the last is most likely the one that counts. */
  readonly passwords: string[]
}

export interface Session {
  readonly account: Account
  readonly id: string
  readonly begunBy: Call
  accessToken: string
  /** From the first to the newest. */
  readonly refreshTokens: string[]
}

/** What one call did, and when it was under way. */
export interface Call {
  readonly kind: string
  readonly account: Account
  /** Whose token it used. */
  readonly session?: Session | undefined
  /** What it was told to end. */
  readonly ends?: 'account' | 'others' | Session
  /** The password or refresh token that it presented. */
  readonly credential?: string
  readonly startedAt: number
  /** Infinite for a call without a response: it may have its effect at any time. */
  endedAt: number
  answer?: Answer
}

/** What the checks look at. */
export interface Recorded {
  readonly calls: readonly Call[]
  readonly sessions: readonly Session[]
}

export const hasSucceeded = (call: Call) =>
  call.answer !== undefined && call.answer.errors === undefined
/** No answer, or one that says nothing. */
const isLost = (call: Call) =>
  call.answer === undefined || call.answer.code === 'INTERNAL_SERVER_ERROR'
const authPayload = 'accessToken refreshToken user { id }'

export class History implements Recorded {
  readonly calls: Call[] = []
  readonly accounts: Account[] = []
  readonly sessions: Session[] = []
  readonly #servers: readonly (() => Client)[]
  readonly #random: Random

  /** @param servers each is asked for its client before every call */
  constructor(servers: readonly (() => Client)[], random: Random) {
    this.#servers = servers
    this.#random = random
  }

  pick<T>(list: readonly T[]): T {
    return this.#random.pick(list)
  }

  async record(
    what: Omit<Call, 'startedAt' | 'endedAt' | 'answer'>,
    perform: (server: Client) => Promise<Answer>,
  ): Promise<Call> {
    const call: Call = { ...what, startedAt: performance.now(), endedAt: Number.POSITIVE_INFINITY }
    this.calls.push(call)
    try {
      call.answer = await perform(this.pick(this.#servers)())
    } catch {
      // The server was killed, or was not there.
      return call
    }
    if (!isLost(call)) call.endedAt = performance.now()
    return call
  }

  async register(email: string): Promise<void> {
    const account: Account = { email, passwords: [`password ${this.calls.length} of ${email}`] }
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
    account.id = call.answer!.data.register.user.id
    this.accounts.push(account)
    this.#begin(call, 'register')
  }

  async login(account: Account, password: string): Promise<void> {
    const call = await this.record({ kind: 'login', account, credential: password }, (server) =>
      server.login(account.email, password),
    )
    if (!hasSucceeded(call)) return
    // After a change without a response only this says which password it is.
    account.passwords.splice(account.passwords.indexOf(password), 1)
    account.passwords.push(password)
    this.#begin(call, 'login')
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
    if (hasSucceeded(call) || isLost(call)) account.passwords.push(next)
    if (!hasSucceeded(call)) return
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
    const claims = Buffer.from(String(accessToken).split('.')[1]!, 'base64url').toString()
    const { sid: id } = JSON.parse(claims) as { sid: string }
    const { account } = call
    this.sessions.push({ account, id, begunBy: call, accessToken, refreshTokens: [refreshToken] })
  }

  #renew(session: Session, pair: { accessToken: string; refreshToken: string }): void {
    session.accessToken = pair.accessToken
    if (!session.refreshTokens.includes(pair.refreshToken)) {
      session.refreshTokens.push(pair.refreshToken)
    }
  }
}

/** Whether the call, once acknowledged, has ended the session. */
function hasEnded(call: Call, session: Session): boolean {
  if (call.answer?.code === 'REFRESH_TOKEN_REUSED') return call.session === session
  if (!hasSucceeded(call) || call.ends === undefined) return false
  if (typeof call.ends === 'object') return call.ends === session
  if (call.account !== session.account) return false
  if (call.ends === 'others' && call.session === session) return false
  // One that was started meanwhile may have come after; but not with a password that was changed.
  const { begunBy } = session
  return (
    begunBy.endedAt < call.startedAt ||
    (call.kind === 'changePassword' && begunBy.credential === call.credential)
  )
}

/** Whether the call may have ended the session, be it that no one was told. */
function mayHaveEnded(call: Call, session: Session): boolean {
  if (call.account !== session.account) return false
  if (call.session === session && call.kind === 'refresh') {
    // Only one that was not the newest can have been taken for a replay.
    const isOld = call.credential !== session.refreshTokens.at(-1)
    return call.answer?.code === 'REFRESH_TOKEN_REUSED' || (isLost(call) && isOld)
  }
  // Without its response no one has the new refresh token, and the old one counts as a replay.
  if (call.session === session && call.kind === 'changePassword') return isLost(call)
  if (call.ends === undefined || !(hasSucceeded(call) || isLost(call))) return false
  if (typeof call.ends === 'object') return call.ends === session
  return call.ends === 'account' || call.session !== session
}

/** Sessions that no call can have ended. */
export function sessionsThatMustLive({ calls, sessions }: Recorded): Session[] {
  return sessions.filter((session) => !calls.some((call) => mayHaveEnded(call, session)))
}

/** Every call that an earlier acknowledgement had ruled out; none may have succeeded. */
export function ruledOutCalls(history: Recorded): Call[] {
  const calls = new Set([
    ...callsOfEndedSessions(history),
    ...callsWithOldPasswords(history),
    ...callsOfClosedAccounts(history),
  ])
  return [...calls].filter((call) => call.kind !== 'logout' && !operations.has(call.kind))
}

/** Kinds of calls by an operator. */
const operations = new Set(['disable', 'enable', 'delete', 'end-sessions'])

/** Calls that started after it was acknowledged that their session is ended. */
function callsOfEndedSessions({ calls, sessions }: Recorded): Call[] {
  return sessions.flatMap((session) => {
    const ends = calls.filter((call) => hasEnded(call, session))
    const endedAt = Math.min(...ends.map((call) => call.endedAt))
    return calls.filter((call) => call.session === session && call.startedAt > endedAt)
  })
}

/** Sign-ins with a password that started after it was acknowledged that it is changed. */
function callsWithOldPasswords({ calls }: Recorded): Call[] {
  const changes = calls.filter((call) => call.kind === 'changePassword' && hasSucceeded(call))
  return calls.filter(
    (call) =>
      call.kind === 'login' &&
      changes.some(
        (change) => change.credential === call.credential && change.endedAt < call.startedAt,
      ),
  )
}

/** Calls that started after their account was disabled or deleted, and ended before anyone enabled it. */
function callsOfClosedAccounts({ calls }: Recorded): Call[] {
  const closings = calls.filter(
    (call) => (call.kind === 'disable' || call.kind === 'delete') && hasSucceeded(call),
  )
  const openings = calls.filter((call) => call.kind === 'enable')
  return calls.filter((call) =>
    closings.some(
      (closing) =>
        closing.account === call.account &&
        closing.endedAt < call.startedAt &&
        !openings.some(
          (opening) =>
            opening.account === call.account &&
            opening.endedAt > closing.startedAt &&
            opening.startedAt < call.endedAt,
        ),
    ),
  )
}

export function refreshTokensWithTwoSuccessors({ calls }: Recorded): string[] {
  const successors = new Map<string, string>()
  return calls.flatMap((call) => {
    if (call.kind !== 'refresh' || !hasSucceeded(call)) return []
    const { refreshToken } = call.answer!.data.refreshToken as { refreshToken: string }
    const known = successors.get(call.credential!)
    successors.set(call.credential!, refreshToken)
    return known === undefined || known === refreshToken ? [] : [call.credential!]
  })
}

/** Addresses that were given to a second account while no one can have deleted the first. */
export function addressesWithTwoAccounts({ calls }: Recorded): string[] {
  const registered = calls.filter((call) => call.kind === 'register' && hasSucceeded(call))
  const deletions = calls.filter((call) => call.kind === 'delete')
  return registered.flatMap((one, index) =>
    registered.slice(index + 1).flatMap((other) => {
      if (one.account.email !== other.account.email) return []
      const isDeleted = deletions.some(
        ({ account, startedAt }) =>
          (account === one.account && startedAt < other.endedAt) ||
          (account === other.account && startedAt < one.endedAt),
      )
      return isDeleted ? [] : [one.account.email]
    }),
  )
}

/** Codes that no step can have asked for: whatever goes wrong, it has a code of the list. */
export function unexpectedCodes({ calls }: Recorded): (string | undefined)[] {
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

/** One step of a client: mostly ordinary, now and then hostile, on whatever session there is. */
export async function step(history: History): Promise<void> {
  // Of late, mostly: what is long over teaches little.
  const session = history.pick(history.sessions.slice(history.pick([0, -30, -30, -30])))
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
