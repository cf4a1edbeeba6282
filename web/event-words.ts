/** What happened to an account, in words for the user whose account it is. */
import {
  EventActor,
  EventOutcome,
  EventReason,
  EventType,
  Role,
  type EventsQuery,
} from '../client/index.ts'
import { signInMethodName } from './sign-in-method.ts'

export type AccountEvent = EventsQuery['me']['events']['edges'][number]['node']

export interface EventWords {
  readonly title: string
  /** What is to be said of it in a word: that it failed. */
  readonly outcome: string | undefined
  /** Why, and what it led to: sentences. */
  readonly details: readonly string[]
  readonly isByOperator: boolean
}

/** @param names of providers, by id */
export function describeEvent(event: AccountEvent, names: ReadonlyMap<string, string>): EventWords {
  const { actor, outcome, reason, type } = event
  const details = [
    type === EventType.REFRESH_TOKEN_REUSED &&
      'It may have been copied, so that device was signed out.',
    type === EventType.REFRESH_TOKEN_REPEATED &&
      'It may have been copied. If you do not recognise where it was used, sign out that device.',
    type === EventType.ACCOUNT_RECLAIMED &&
      'The address had never been verified, so the previous password and linked providers were removed.',
    reason !== null && describeReason(reason),
    describeEnded(event),
  ]
  return {
    title: describeType(event, names),
    outcome: describeOutcome(outcome),
    details: details.filter((detail) => typeof detail === 'string'),
    isByOperator: actor === EventActor.OPERATOR,
  }
}

function describeType(event: AccountEvent, names: ReadonlyMap<string, string>): string {
  const { method, role, type } = event
  const way = method === null ? undefined : signInMethodName(method, names)
  const withWay = way === undefined ? '' : ` with ${way}`
  switch (type) {
    case EventType.ACCOUNT_CREATED:
      return `Account created${withWay}`
    case EventType.ACCOUNT_DELETED:
      return 'Account deleted'
    case EventType.ACCOUNT_DISABLED:
      return 'Account disabled'
    case EventType.ACCOUNT_ENABLED:
      return 'Account enabled'
    case EventType.ACCOUNT_RECLAIMED:
      return `Account taken over by the owner of its e-mail address${withWay}`
    case EventType.DATABASE_BACKED_UP:
      return 'Backup of this service created'
    case EventType.DATABASE_RESTORED:
      return 'This service was restored from a backup'
    case EventType.EMAIL_VERIFIED:
      return `E-mail address verified${withWay}`
    case EventType.KEYS_RESET:
      return 'All keys of this service reset'
    case EventType.KEYS_ROTATED:
      return 'Keys of this service replaced'
    case EventType.PASSWORD_CHANGED:
      return 'Password changed'
    case EventType.PASSWORD_CHANGE_FAILED:
      return 'Attempt to change the password'
    case EventType.PASSWORD_REMOVED:
      return 'Password removed'
    case EventType.PASSWORD_SET:
      return 'Password set'
    case EventType.PROVIDER_LINKED:
      return `${way ?? 'A provider'} linked`
    case EventType.PROVIDER_LINK_FAILED:
      return `Attempt to link ${way ?? 'a provider'}`
    case EventType.PROVIDER_UNLINKED:
      return `${way ?? 'A provider'} unlinked`
    case EventType.REAUTHENTICATED:
      return `Identity confirmed${withWay}`
    case EventType.REAUTHENTICATION_FAILED:
      return `Attempt to confirm the identity${withWay}`
    case EventType.REFRESH_TOKEN_REUSED:
      return 'A used sign-in token was used again'
    case EventType.REFRESH_TOKEN_REPEATED:
      return 'A sign-in was used from two places at once'
    case EventType.ROLE_GRANTED:
      return `Role granted${nameOfRole(role)}`
    case EventType.ROLE_REVOKED:
      return `Role revoked${nameOfRole(role)}`
    case EventType.SESSION_ENDED:
      return 'Signed out'
    case EventType.SIGNED_IN:
      return `Signed in${withWay}`
    case EventType.SIGN_IN_FAILED:
      return `Attempt to sign in${withWay}`
    default:
      return spellOut(type)
  }
}

function describeReason(reason: EventReason): string {
  switch (reason) {
    case EventReason.ACCOUNT_DISABLED:
      return 'The account was disabled.'
    case EventReason.ANOTHER_ORIGIN:
      return 'Another browser in another network used it at the same time.'
    case EventReason.CREDENTIALS_CHANGED:
      return 'The password or a linked provider was changed at the same time.'
    case EventReason.LINKED_TO_ANOTHER:
      return 'The account at the provider is linked to another account here.'
    case EventReason.LINK_REQUIRED:
      return 'The account at the provider has your e-mail address, but is not linked.'
    case EventReason.LOGOUT:
      return 'On the device itself.'
    case EventReason.LOGOUT_ALL:
      return 'On all devices at once.'
    case EventReason.LOGOUT_OTHERS:
      return 'On all devices except the one in use.'
    case EventReason.NO_PASSWORD:
      return 'The account had no password.'
    case EventReason.OTHER_IDENTITY:
      return 'It was not the linked account at the provider.'
    case EventReason.PASSWORD_EXPIRED:
      return 'The password that an operator set was not changed in time.'
    case EventReason.PROVIDER_ERROR:
      return 'The provider did not confirm it.'
    case EventReason.REGISTRATION_CLOSED:
      return 'Only the operator can create accounts.'
    case EventReason.REPLACED:
      return 'By another sign-in in the same browser.'
    case EventReason.REVOKED:
      return 'From the list of devices.'
    case EventReason.TOO_MANY_SESSIONS:
      return 'There were too many devices, so the oldest was signed out.'
    case EventReason.UNKNOWN_ACCOUNT:
      return 'No such account.'
    case EventReason.WRONG_PASSWORD:
      return 'Wrong password.'
    default:
      return `${spellOut(reason)}.`
  }
}

function describeOutcome(outcome: EventOutcome): string | undefined {
  switch (outcome) {
    case EventOutcome.FAILURE:
      return 'Refused'
    case EventOutcome.SUCCESS:
      return undefined
    default:
      return spellOut(outcome)
  }
}

/** That a sign-out is of one device goes without saying. */
function describeEnded({ sessionsEnded, type }: AccountEvent): string | undefined {
  const count = sessionsEnded ?? 0
  if (count === 0 || type === EventType.REFRESH_TOKEN_REUSED) return undefined
  if (count > 1) return `${count} devices were signed out.`
  return type === EventType.SESSION_ENDED ? undefined : '1 device was signed out.'
}

function nameOfRole(role: Role | null): string {
  switch (role) {
    case Role.ADMIN:
      return ': administrator'
    case Role.USER:
      return ': user'
    case null:
      return ''
    default:
      return `: ${spellOut(role)}`
  }
}

/** A later version of the server may know more than the page that a tab has loaded from an earlier one. */
function spellOut(name: never): string {
  const text = String(name).replaceAll('_', ' ').toLowerCase()
  return text.charAt(0).toUpperCase() + text.slice(1)
}
