/**
 * The vocabulary of the audit trail: the kinds of events, who causes them, and why. Each value is declared
 * once, with its description for the schema. Values are API: they are never renamed, only added.
 */
import { codesOf } from '../errors.ts'

type Described = Readonly<Record<string, { readonly description: string }>>

/** What happened. */
export const eventKinds = {
  ACCOUNT_CREATED: {
    description:
      'An account was created: by registration, by a first sign-in with a provider, or by an operator.',
  },
  ACCOUNT_RECLAIMED: {
    description:
      'The owner of the e-mail address signed in with a provider that has verified it. The address had never been verified here, so the previous password, sessions and linked providers were removed.',
  },
  EMAIL_VERIFIED: {
    description: 'A linked provider confirmed that the e-mail address belongs to the user.',
  },
  SIGNED_IN: { description: 'A user signed in and a session was created.' },
  SIGN_IN_FAILED: { description: 'A sign-in was refused; `reason` says why.' },
  REAUTHENTICATED: {
    description: 'The user proved their identity again; `method` says how.',
  },
  REAUTHENTICATION_FAILED: {
    description: 'A repeated proof of identity was refused; `reason` says why.',
  },
  REFRESH_TOKEN_REUSED: {
    description:
      'A refresh token that had already been replaced was used again: it may have been copied. The session was revoked.',
  },
  REFRESH_TOKEN_REPEATED: {
    description:
      'A refresh token was used twice within the grace window, the second time from another network or with another `User-Agent`: it may have been copied. The session continues.',
  },
  SESSION_ENDED: { description: 'One or more sessions ended; `reason` says why.' },
  PASSWORD_CHANGED: {
    description:
      'The password was changed, and the other sessions were revoked. If an operator changed it, all sessions were revoked.',
  },
  PASSWORD_SET: { description: 'The first password of the account was set.' },
  PASSWORD_REMOVED: { description: 'An operator removed the password and revoked all sessions.' },
  PASSWORD_CHANGE_FAILED: {
    description: 'A change of the password was refused because the current password was wrong.',
  },
  PROVIDER_LINKED: { description: 'A provider was linked: the user can sign in with it.' },
  PROVIDER_UNLINKED: {
    description: 'A provider was unlinked, and other sessions started with it were revoked.',
  },
  PROVIDER_LINK_FAILED: { description: 'A link was refused; `reason` says why.' },
  ROLE_GRANTED: { description: 'An operator granted a role.' },
  ROLE_REVOKED: { description: 'An operator revoked a role.' },
  ACCOUNT_DISABLED: { description: 'An operator disabled the account.' },
  ACCOUNT_ENABLED: { description: 'An operator enabled the account. It has no sessions left.' },
  ACCOUNT_DELETED: { description: 'An operator deleted the account.' },
  KEYS_ROTATED: { description: 'An operator rotated the signing keys. Not tied to an account.' },
  DATABASE_BACKED_UP: {
    description: 'An operator backed up the database. Not tied to an account.',
  },
  DATABASE_RESTORED: {
    description:
      'An operator restored the database, and all sessions were revoked. Not tied to an account.',
  },
  KEYS_RESET: {
    description:
      'An operator replaced the signing keys, and all sessions were revoked. Not tied to an account.',
  },
} as const satisfies Described
export const EventKind = codesOf(eventKinds)
export type EventKind = keyof typeof eventKinds

/** Who caused the event. */
export const eventActors = {
  ACCOUNT: { description: 'The user of the account, who was signed in or just signed in.' },
  ANONYMOUS: { description: 'A client that did not prove that the account is theirs.' },
  OPERATOR: { description: 'An operator of the server, by a command.' },
} as const satisfies Described
export const EventActor = codesOf(eventActors)
export type EventActor = keyof typeof eventActors

/** Whether the action succeeded. */
export const eventOutcomes = {
  SUCCESS: { description: 'The action succeeded.' },
  FAILURE: { description: 'The action was refused.' },
} as const satisfies Described
export const EventOutcome = codesOf(eventOutcomes)
export type EventOutcome = keyof typeof eventOutcomes

/** Why an action failed, or a session ended. */
export const eventReasons = {
  UNKNOWN_ACCOUNT: { description: 'No account has the e-mail address.' },
  WRONG_PASSWORD: { description: 'The password was wrong.' },
  PASSWORD_EXPIRED: {
    description: 'The password was set by an operator and expired before the user changed it.',
  },
  NO_PASSWORD: { description: 'The account has no password.' },
  ACCOUNT_DISABLED: { description: 'The credentials were correct, but the account is disabled.' },
  CREDENTIALS_CHANGED: {
    description: 'The credentials were changed while they were being verified.',
  },
  PROVIDER_ERROR: {
    description: 'The provider refused the sign-in or sent an invalid response.',
  },
  LINK_REQUIRED: {
    description:
      'The account has the e-mail address of the provider, but the provider is not linked to it.',
  },
  LINKED_TO_ANOTHER: {
    description: 'The account at the provider is linked to another Latchkey account.',
  },
  OTHER_IDENTITY: {
    description: 'The account at the provider is not the one that is linked to this account.',
  },
  REGISTRATION_CLOSED: {
    description: 'The sign-in would have created an account, but registration is closed.',
  },
  LOGOUT: { description: 'The user signed out of this session.' },
  LOGOUT_OTHERS: {
    description: 'The user signed out of all other sessions (`logout`, scope `OTHERS`).',
  },
  LOGOUT_ALL: { description: 'The user signed out of all sessions (`logout`, scope `ALL`).' },
  REVOKED: { description: 'The user revoked the session (`revokeSession`).' },
  TOO_MANY_SESSIONS: {
    description: 'The account reached its session limit, so its oldest session was revoked.',
  },
  REPLACED: {
    description: 'Another sign-in in the same browser replaced the session (transport COOKIE).',
  },
  ANOTHER_ORIGIN: {
    description:
      'A replaced refresh token was used again right away, from another network and with another `User-Agent`.',
  },
} as const satisfies Described
export const EventReason = codesOf(eventReasons)
export type EventReason = keyof typeof eventReasons

const failures: ReadonlySet<EventKind> = new Set([
  EventKind.SIGN_IN_FAILED,
  EventKind.REAUTHENTICATION_FAILED,
  EventKind.REFRESH_TOKEN_REUSED,
  EventKind.PASSWORD_CHANGE_FAILED,
  EventKind.PROVIDER_LINK_FAILED,
])

/**
 * Failures that can be caused again and again, the most of them by strangers. A reused refresh token is none
 * of them, since it ends its session.
 */
const refusals = [...failures].filter((type) => type !== EventKind.REFRESH_TOKEN_REUSED)

/**
 * What can be repeated without end: each group has a budget of its own, so that none uses up another's,
 * and the trail keeps all of them within bounds, so that they hide nothing else (`retention.ts`). Who has the refresh token of a session can use it,
 * and repeat it, as often as they like.
 */
export const repeatableEvents: readonly (readonly EventKind[])[] = [
  refusals,
  [EventKind.REFRESH_TOKEN_REPEATED],
]

export function outcomeOf(type: EventKind): EventOutcome {
  return failures.has(type) ? EventOutcome.FAILURE : EventOutcome.SUCCESS
}
