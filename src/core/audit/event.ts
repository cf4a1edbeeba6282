/** What the trail tells: the kinds of events, who brings them about, and why. All of it is API. */

/** What happened. */
export enum EventKind {
  ACCOUNT_CREATED = 'ACCOUNT_CREATED',
  ACCOUNT_RECLAIMED = 'ACCOUNT_RECLAIMED',
  EMAIL_VERIFIED = 'EMAIL_VERIFIED',
  SIGNED_IN = 'SIGNED_IN',
  SIGN_IN_FAILED = 'SIGN_IN_FAILED',
  REAUTHENTICATED = 'REAUTHENTICATED',
  REAUTHENTICATION_FAILED = 'REAUTHENTICATION_FAILED',
  REFRESH_TOKEN_REUSED = 'REFRESH_TOKEN_REUSED',
  REFRESH_TOKEN_REPEATED = 'REFRESH_TOKEN_REPEATED',
  SESSION_ENDED = 'SESSION_ENDED',
  PASSWORD_CHANGED = 'PASSWORD_CHANGED',
  PASSWORD_SET = 'PASSWORD_SET',
  PASSWORD_REMOVED = 'PASSWORD_REMOVED',
  PASSWORD_CHANGE_FAILED = 'PASSWORD_CHANGE_FAILED',
  PROVIDER_LINKED = 'PROVIDER_LINKED',
  PROVIDER_UNLINKED = 'PROVIDER_UNLINKED',
  PROVIDER_LINK_FAILED = 'PROVIDER_LINK_FAILED',
  ROLE_GRANTED = 'ROLE_GRANTED',
  ROLE_REVOKED = 'ROLE_REVOKED',
  ACCOUNT_DISABLED = 'ACCOUNT_DISABLED',
  ACCOUNT_ENABLED = 'ACCOUNT_ENABLED',
  ACCOUNT_DELETED = 'ACCOUNT_DELETED',
  KEYS_ROTATED = 'KEYS_ROTATED',
  KEYS_RESET = 'KEYS_RESET',
  DATABASE_BACKED_UP = 'DATABASE_BACKED_UP',
  DATABASE_RESTORED = 'DATABASE_RESTORED',
}

/** Who caused the event. */
export enum EventActor {
  /** Whoever has the account's credentials, or a session of it. */
  ACCOUNT = 'ACCOUNT',
  /** A client that did not prove that the account is theirs. */
  ANONYMOUS = 'ANONYMOUS',
  OPERATOR = 'OPERATOR',
}

export enum EventOutcome {
  SUCCESS = 'SUCCESS',
  FAILURE = 'FAILURE',
}

/** Why something failed, or a session ended. */
export enum EventReason {
  UNKNOWN_ACCOUNT = 'UNKNOWN_ACCOUNT',
  WRONG_PASSWORD = 'WRONG_PASSWORD',
  NO_PASSWORD = 'NO_PASSWORD',
  PASSWORD_EXPIRED = 'PASSWORD_EXPIRED',
  ACCOUNT_DISABLED = 'ACCOUNT_DISABLED',
  CREDENTIALS_CHANGED = 'CREDENTIALS_CHANGED',
  PROVIDER_ERROR = 'PROVIDER_ERROR',
  LINK_REQUIRED = 'LINK_REQUIRED',
  LINKED_TO_ANOTHER = 'LINKED_TO_ANOTHER',
  OTHER_IDENTITY = 'OTHER_IDENTITY',
  REGISTRATION_CLOSED = 'REGISTRATION_CLOSED',
  LOGOUT = 'LOGOUT',
  LOGOUT_OTHERS = 'LOGOUT_OTHERS',
  LOGOUT_ALL = 'LOGOUT_ALL',
  REVOKED = 'REVOKED',
  TOO_MANY_SESSIONS = 'TOO_MANY_SESSIONS',
  REPLACED = 'REPLACED',
  ANOTHER_ORIGIN = 'ANOTHER_ORIGIN',
}

const failures = new Set([
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
 * What can be caused without end: each group has a budget of its own, so that none uses up another's,
 * and the trail keeps all of them within bounds, so that they hide nothing else (`retention.ts`). Who has the refresh token of a session can use it,
 * and repeat it, as often as they like.
 */
export const endless: readonly (readonly EventKind[])[] = [
  refusals,
  [EventKind.REFRESH_TOKEN_REPEATED],
]

export function outcomeOf(type: EventKind): EventOutcome {
  return failures.has(type) ? EventOutcome.FAILURE : EventOutcome.SUCCESS
}
