// What the account page says of an event: every kind, every reason, and those of a later server.
import { describe, expect, it } from 'vitest'
import { EventActor, EventOutcome, EventReason, EventType, Role } from '../../client/index.ts'
import { describeEvent, type AccountEvent } from '../../web/event-words.ts'

const names = new Map([['acme', 'Acme']])
const signIn: AccountEvent = {
  id: '1',
  type: EventType.SIGNED_IN,
  occurredAt: '2026-01-01T00:00:00.000Z',
  outcome: EventOutcome.SUCCESS,
  actor: EventActor.ACCOUNT,
  reason: null,
  method: 'password',
  role: null,
  sessionId: null,
  sessionsEnded: null,
  ip: '127.0.0.1',
  userAgent: 'curl/8',
}
const say = (event: Partial<AccountEvent>) => describeEvent({ ...signIn, ...event }, names)

describe('an event', () => {
  it('is told without the names of the API', () => {
    const titles = Object.values(EventType).map((type) => say({ type }).title)
    expect(new Set(titles).size).toBe(titles.length)
    const reasons = Object.values(EventReason).map((reason) => say({ reason }).details.join(' '))
    expect(new Set(reasons).size).toBe(reasons.length)
    for (const text of [...titles, ...reasons]) expect(text).not.toMatch(/[A-Z]{2}|_|undefined/)
    for (const text of reasons) expect(text).toMatch(/^[A-Z].*\.$/)
  })

  it.each([
    [{}, 'Signed in with a password', undefined, []],
    [{ method: 'acme' }, 'Signed in with Acme', undefined, []],
    [{ method: 'gone' }, 'Signed in with gone', undefined, []],
    [
      {
        type: EventType.SIGN_IN_FAILED,
        outcome: EventOutcome.FAILURE,
        reason: EventReason.WRONG_PASSWORD,
      },
      'Attempt to sign in with a password',
      'Refused',
      ['Wrong password.'],
    ],
    [{ type: EventType.PASSWORD_CHANGED, sessionsEnded: 0 }, 'Password changed', undefined, []],
    [
      { type: EventType.PASSWORD_CHANGED, sessionsEnded: 1 },
      'Password changed',
      undefined,
      ['1 device was signed out.'],
    ],
    [
      { type: EventType.SESSION_ENDED, reason: EventReason.REVOKED, sessionsEnded: 1 },
      'Signed out',
      undefined,
      ['From the list of devices.'],
    ],
    [
      { type: EventType.SESSION_ENDED, reason: EventReason.LOGOUT_OTHERS, sessionsEnded: 3 },
      'Signed out',
      undefined,
      ['On all devices except the one in use.', '3 devices were signed out.'],
    ],
    [{ type: EventType.PROVIDER_LINKED, method: 'acme' }, 'Acme linked', undefined, []],
    [
      { type: EventType.ACCOUNT_RECLAIMED, method: 'acme', sessionsEnded: 2 },
      'Account taken over by the owner of its e-mail address with Acme',
      undefined,
      [
        'The address had never been verified, so the previous password and linked providers were removed.',
        '2 devices were signed out.',
      ],
    ],
    [
      { type: EventType.EMAIL_VERIFIED, method: 'acme' },
      'E-mail address verified with Acme',
      undefined,
      [],
    ],
    [
      { type: EventType.ROLE_GRANTED, method: null, role: Role.ADMIN },
      'Role granted: administrator',
      undefined,
      [],
    ],
  ])('%j is told as %s', (event, title, outcome, details) => {
    expect(say(event)).toEqual({ title, outcome, details, isByOperator: false })
  })

  it('of a later version of the server is told as well as the page can', () => {
    const later = { type: 'PASSKEY_ADDED', outcome: 'HELD_UP', reason: 'NEW_DEVICE' }
    expect(say(later as Partial<AccountEvent>)).toMatchObject({
      title: 'Passkey added',
      outcome: 'Held up',
      details: ['New device.'],
    })
  })
})
