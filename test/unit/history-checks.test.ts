// The checks of test/support/history.ts, given histories that never were: each must find what is wrong
// with its own, and nothing in its honest twin.
import { describe, expect, it } from 'vitest'
import type { Answer } from '../support/client.ts'
import {
  addressesWithTwoAccounts,
  hasSucceeded,
  refreshTokensWithTwoSuccessors,
  ruledOutCalls,
  sessionsThatMustLive,
  type Account,
  type Call,
  type Session,
} from '../support/history.ts'

const account: Account = { email: 'ada@example.com', passwords: ['first', 'second'] }
const done = { errors: undefined, code: undefined } as unknown as Answer
const refused = { errors: [{}], code: 'UNAUTHENTICATED' } as unknown as Answer

function call(
  kind: string,
  [startedAt, endedAt]: readonly [number, number],
  more: Partial<Call> = {},
): Call {
  return { kind, account, startedAt, endedAt, answer: done, ...more }
}

const begunBy = call('login', [0, 1], { credential: 'first' })
const session: Session = {
  account,
  id: 'one',
  begunBy,
  accessToken: '',
  refreshTokens: ['old', 'new'],
}
const found = (calls: Call[]) =>
  ruledOutCalls({ calls: [begunBy, ...calls], sessions: [session] }).filter(hasSucceeded)

describe('a call that succeeds', () => {
  const use = (startedAt: number, more?: Partial<Call>) =>
    call('me', [startedAt, startedAt + 1], { session, ...more })

  it.each([
    ['its session was revoked', call('revoke', [2, 3], { ends: session })],
    ['the person signed out everywhere else', call('logoutOthers', [2, 3], { ends: 'others' })],
    ['the operator ended the sessions', call('end-sessions', [2, 3], { ends: 'account' })],
    ['the account was disabled', call('disable', [2, 3], { ends: 'account' })],
    ['the account was deleted', call('delete', [2, 3], { ends: 'account' })],
    [
      'its refresh token was told to be a replay',
      call('refresh', [2, 3], {
        session,
        answer: { errors: [{}], code: 'REFRESH_TOKEN_REUSED' } as unknown as Answer,
      }),
    ],
  ])('is found if it started after %s', (_, end) => {
    expect(found([end, use(4)])).toHaveLength(1)
    // Under way together, it may have come first.
    expect(found([end, use(2.5)]).filter(({ kind }) => kind === 'me')).toEqual([])
    // Refused, it is as it should be.
    expect(found([end, use(4, { answer: refused })])).toEqual([])
    // Not acknowledged, the end has promised nothing.
    const { answer: _answer, ...unanswered } = end
    expect(found([{ ...unanswered, endedAt: Number.POSITIVE_INFINITY }, use(4)])).toEqual([])
  })

  it('is found if it signs in with a password that was changed', () => {
    const change = call('changePassword', [2, 3], { ends: 'others', credential: 'first' })
    expect(found([change, call('login', [4, 5], { credential: 'first' })])).toHaveLength(1)
    expect(found([change, call('login', [4, 5], { credential: 'second' })])).toEqual([])
  })

  it('is none of these if the account was enabled meanwhile', () => {
    const disable = call('disable', [2, 3], { ends: 'account' })
    const enable = call('enable', [4, 5], { ends: 'account' })
    const login = call('login', [6, 7], { credential: 'second' })
    expect(found([disable, login])).toHaveLength(1)
    expect(found([disable, enable, login])).toEqual([])
    // The session from before stays ended.
    expect(found([disable, enable, use(6)])).toHaveLength(1)
  })
})

describe('two successors of one refresh token', () => {
  const refresh = (successor: string) =>
    call('refresh', [2, 3], {
      session,
      credential: 'old',
      answer: { ...done, data: { refreshToken: { refreshToken: successor } } },
    })

  it('are found', () => {
    const sessions = [session]
    expect(
      refreshTokensWithTwoSuccessors({ calls: [refresh('a'), refresh('b')], sessions }),
    ).toEqual(['old'])
    expect(
      refreshTokensWithTwoSuccessors({ calls: [refresh('a'), refresh('a')], sessions }),
    ).toEqual([])
  })
})

describe('two accounts of one address', () => {
  it('are found unless the first may have been deleted', () => {
    const other: Account = { ...account, passwords: ['third'] }
    const calls = [call('register', [0, 1]), call('register', [4, 5], { account: other })]
    expect(addressesWithTwoAccounts({ calls, sessions: [] })).toEqual([account.email])
    const deleted = [...calls, call('delete', [2, 3])]
    expect(addressesWithTwoAccounts({ calls: deleted, sessions: [] })).toEqual([])
  })
})

describe('a session that no one has ended', () => {
  const living = (...calls: Call[]) => sessionsThatMustLive({ calls, sessions: [session] })

  it('must live', () => {
    expect(living(begunBy, call('me', [2, 3], { session }))).toEqual([session])
    expect(living(call('revoke', [2, 3], { ends: session, answer: refused }))).toEqual([session])
  })

  it('may be over if the end has no response', () => {
    const { answer: _, ...lost } = call('revoke', [2, Number.POSITIVE_INFINITY], { ends: session })
    expect(living(lost)).toEqual([])
  })
})
