/**
 * What a client knows of its accounts: what it was told, and what it asked for and got no response to.
 * Looked at again after a crash, each of its accounts must be what the client was told, and where it
 * was told nothing, wholly as before or wholly as asked for.
 */
import type { Answer, Client } from '../support/client.ts'
import type { Random } from '../support/random.ts'
import { answerOf } from './answer.ts'

export interface JournaledSession {
  readonly id: string
  accessToken: string
  refreshToken: string
  isAlive: boolean
}

type Change =
  | { readonly kind: 'register' | 'login' }
  | { readonly kind: 'changePassword'; readonly by: JournaledSession; readonly password: string }
  | { readonly kind: 'refresh' | 'revokeSession' | 'logout'; readonly of: JournaledSession }

/** One account, used by one client: what it does, it does one after the other. */
export class JournaledAccount {
  readonly email: string
  password: string
  readonly sessions: JournaledSession[] = []
  /** What was asked for, and may or may not have been done. Nothing is asked for after it. */
  pending: Change | undefined
  /** Whether the server has said that it is there. */
  isAcknowledged = false

  constructor(email: string) {
    this.email = email
    this.password = `first password of ${email}`
  }

  get alive(): JournaledSession[] {
    return this.sessions.filter((session) => session.isAlive)
  }
}

export interface Counts {
  acknowledged: number
  unanswered: number
}

export interface JournalOptions {
  /** Where a request goes; asked for each. */
  readonly client: () => Client
  readonly random: Random
  /** Distinguishes this journal's addresses from those of others. */
  readonly name: string
}

/** A client with its journal. */
export class Journal {
  /** Every account that was ever asked for. */
  readonly accounts: JournaledAccount[] = []
  readonly counts: Counts = { acknowledged: 0, unanswered: 0 }
  readonly violations: string[] = []
  readonly #options: JournalOptions
  #current: JournaledAccount | undefined
  #unverified: JournaledAccount[] = []
  #onAcknowledgement: () => void = () => {}

  constructor(options: JournalOptions) {
    this.#options = options
  }

  /** Writes until told to stop. @param pause is awaited between two requests */
  async writeUntil(isOver: () => boolean, pause?: () => Promise<unknown>): Promise<void> {
    while (!isOver()) {
      await this.write()
      await pause?.()
    }
  }

  /** Resolves when the server has answered the next write. */
  nextAcknowledgement(): Promise<void> {
    return new Promise((resolve) => {
      this.#onAcknowledgement = resolve
    })
  }

  /** One write: on the account at hand, or a new one. */
  async write(): Promise<void> {
    const { random } = this.#options
    const account = this.#current
    if (account === undefined || account.pending || random.next() < 0.15) return this.#register()
    const session = account.alive.length > 0 ? random.pick(account.alive) : undefined
    const kind = session
      ? random.pick(['login', 'refresh', 'changePassword', 'revokeSession', 'logout'] as const)
      : 'login'
    if (kind === 'login' || session === undefined) return this.#login(account)
    if (kind === 'refresh') return this.#refresh(account, session)
    if (kind === 'changePassword') return this.#changePassword(account, session)
    if (kind === 'logout') return this.#logout(account, session)
    return this.#revokeSession(account, session, random.pick(account.alive))
  }

  /**
   * Looks at every account written since the last time. What was pending is then known, and the next
   * write is to a new account.
   */
  async verify(): Promise<void> {
    for (const account of this.#unverified) await this.#verifyAccount(account)
    this.#unverified = []
    this.#current = undefined
  }

  async #register(): Promise<void> {
    const account = new JournaledAccount(
      `${this.#options.name}.${this.accounts.length}@example.com`,
    )
    this.accounts.push(account)
    this.#unverified.push(account)
    this.#current = account
    const { email, password } = account
    const pair = await this.#ask(account, { kind: 'register' }, (client) =>
      client.send(
        `mutation ($email: String!, $password: String!) {
          register(email: $email, password: $password) { accessToken refreshToken }
        }`,
        { email, password },
      ),
    )
    if (!pair) return
    account.isAcknowledged = true
    account.sessions.push(sessionOf(pair['register'] as Pair))
  }

  async #login(account: JournaledAccount): Promise<void> {
    const data = await this.#ask(account, { kind: 'login' }, (client) =>
      client.login(account.email, account.password),
    )
    if (data) account.sessions.push(sessionOf(data['login'] as Pair))
  }

  async #refresh(account: JournaledAccount, session: JournaledSession): Promise<void> {
    const data = await this.#ask(account, { kind: 'refresh', of: session }, (client) =>
      client.refresh(session.refreshToken),
    )
    if (data) Object.assign(session, tokensOf(data['refreshToken'] as Pair))
  }

  async #changePassword(account: JournaledAccount, by: JournaledSession): Promise<void> {
    const password = `password ${this.counts.acknowledged} of ${account.email}`
    const data = await this.#ask(account, { kind: 'changePassword', by, password }, (client) =>
      changePassword(client, by.accessToken, account.password, password),
    )
    if (!data) return
    account.password = password
    for (const session of account.sessions) session.isAlive = session === by
    Object.assign(by, tokensOf(data['changePassword'] as Pair))
  }

  async #revokeSession(
    account: JournaledAccount,
    by: JournaledSession,
    of: JournaledSession,
  ): Promise<void> {
    const data = await this.#ask(account, { kind: 'revokeSession', of }, (client) =>
      client.as(by.accessToken).send('mutation ($id: ID!) { revokeSession(id: $id) }', {
        id: of.id,
      }),
    )
    if (!data) return
    if (data['revokeSession'] !== true) this.#violation(account, 'a living session was not there')
    of.isAlive = false
  }

  async #logout(account: JournaledAccount, of: JournaledSession): Promise<void> {
    const data = await this.#ask(account, { kind: 'logout', of }, (client) =>
      client.as(of.accessToken).send('mutation { logout }'),
    )
    if (data) of.isAlive = false
  }

  /** @returns the data; undefined if there was no response, or a masked error, which says as little */
  async #ask(
    account: JournaledAccount,
    change: Change,
    send: (client: Client) => Promise<Answer>,
  ): Promise<Record<string, unknown> | undefined> {
    account.pending = change
    const answer = await answerOf(send(this.#options.client()))
    if (answer === undefined) {
      this.counts.unanswered += 1
      return undefined
    }
    if (answer.errors) {
      // Everything that a journal asks for is its right.
      this.#violation(account, `${change.kind} was refused: ${answer.text}`)
      return undefined
    }
    account.pending = undefined
    this.counts.acknowledged += 1
    this.#onAcknowledgement()
    return answer.data as Record<string, unknown>
  }

  async #verifyAccount(account: JournaledAccount): Promise<void> {
    const change = account.pending
    account.pending = undefined
    if (change?.kind === 'register') return this.#verifyRegistration(account)
    if (change?.kind === 'changePassword') await this.#resolvePassword(account, change)
    if (change?.kind === 'refresh') await this.#resolveRefresh(account, change.of)
    if (change?.kind === 'revokeSession' || change?.kind === 'logout') {
      change.of.isAlive = await this.#lives(change.of)
    }
    if (!(await this.#canSignIn(account.email, account.password))) {
      this.#violation(account, 'an acknowledged account or password is lost')
    }
    for (const session of account.sessions) {
      if ((await this.#lives(session)) !== session.isAlive) {
        this.#violation(
          account,
          session.isAlive ? 'a living session is lost' : 'an ended session is alive',
        )
        continue
      }
      const { data, code } = await this.#certain((client) => client.refresh(session.refreshToken))
      if (session.isAlive && data?.refreshToken) {
        Object.assign(session, tokensOf(data.refreshToken))
      } else if (session.isAlive || code !== 'INVALID_REFRESH_TOKEN') {
        this.#violation(account, `a refresh token gets ${code ?? 'a successor'}`)
      }
    }
  }

  /** Wholly there, or not at all: then the address is free. */
  async #verifyRegistration(account: JournaledAccount): Promise<void> {
    const { email, password } = account
    if (!(await this.#canSignIn(email, password))) {
      const again = await this.#certain((client) =>
        client.send(
          `mutation ($email: String!, $password: String!) {
            register(email: $email, password: $password) { accessToken refreshToken }
          }`,
          { email, password },
        ),
      )
      if (again.errors) this.#violation(account, `half an account is there: ${again.text}`)
    }
    account.isAcknowledged = true
  }

  /** Either the old password and every session, or the new one and the session that asked. */
  async #resolvePassword(
    account: JournaledAccount,
    { by, password }: Extract<Change, { kind: 'changePassword' }>,
  ): Promise<void> {
    const isChanged = await this.#canSignIn(account.email, password)
    if (isChanged === (await this.#canSignIn(account.email, account.password))) {
      this.#violation(account, isChanged ? 'two passwords are right' : 'no password is right')
    }
    if (!isChanged) return
    account.password = password
    for (const session of account.sessions) session.isAlive = session === by
    // Its refresh token was replaced without grace, and the new one has got lost on the way.
    if (!(await this.#lives(by))) this.#violation(account, 'a change has ended its own session')
    const { data } = await this.#certain((client) =>
      changePassword(client, by.accessToken, password, password),
    )
    if (data?.changePassword) Object.assign(by, tokensOf(data.changePassword))
    else this.#violation(account, 'the session of a change cannot be used')
  }

  /** Within the grace, the old token gets its successor, made then or now. */
  async #resolveRefresh(account: JournaledAccount, session: JournaledSession): Promise<void> {
    const { data, text } = await this.#certain((client) => client.refresh(session.refreshToken))
    if (data?.refreshToken) Object.assign(session, tokensOf(data.refreshToken))
    else this.#violation(account, `an unanswered refresh cannot be repeated: ${text}`)
  }

  async #canSignIn(email: string, password: string): Promise<boolean> {
    const answer = await this.#certain((client) => client.login(email, password))
    return answer.errors === undefined
  }

  async #lives({ accessToken }: JournaledSession): Promise<boolean> {
    const answer = await this.#certain((client) => client.as(accessToken).send('{ me { id } }'))
    return answer.errors === undefined
  }

  /** Asks until there is a response that says something. */
  async #certain(send: (client: Client) => Promise<Answer>): Promise<Answer> {
    for (let attempt = 0; attempt < 200; attempt += 1) {
      const answer = await answerOf(send(this.#options.client()))
      if (answer) return answer
      await new Promise((resolve) => {
        setTimeout(resolve, 50)
      })
    }
    throw new Error('The server gives no answer')
  }

  #violation(account: JournaledAccount, what: string): void {
    this.violations.push(`${account.email}: ${what}`)
  }
}

interface Pair {
  readonly accessToken: string
  readonly refreshToken: string
}

function tokensOf({ accessToken, refreshToken }: Pair): Pair {
  return { accessToken, refreshToken }
}

function sessionOf(pair: Pair): JournaledSession {
  return { id: sessionIdOf(pair.accessToken), ...tokensOf(pair), isAlive: true }
}

/** The claim `sid`. */
function sessionIdOf(accessToken: string): string {
  const claims = JSON.parse(Buffer.from(accessToken.split('.')[1]!, 'base64url').toString()) as {
    sid: string
  }
  return claims.sid
}

function changePassword(client: Client, accessToken: string, current: string, next: string) {
  return client.as(accessToken).send(
    `mutation ($current: String, $next: String!) {
      changePassword(currentPassword: $current, newPassword: $next) { accessToken refreshToken }
    }`,
    { current, next },
  )
}
