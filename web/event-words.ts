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
      'It may have been copied. If you do not know where it came from, sign out that device.',
    type === EventType.ACCOUNT_RECLAIMED &&
      'The address had never been verified. The password and the links from before were removed.',
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
      return 'Backup of this service made'
    case EventType.DATABASE_RESTORED:
      return 'This service restored from a backup'
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
      return 'An old key to a sign-in used again'
    case EventType.REFRESH_TOKEN_REPEATED:
      return 'A sign-in used from two places at once'
    case EventType.ROLE_GRANTED:
      return `Role granted${nameOfRole(role)}`
    case EventType.ROLE_REVOKED:
      return `Role taken away${nameOfRole(role)}`
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
      return 'Another browser in another network used it at the same moment.'
    case EventReason.CREDENTIALS_CHANGED:
      return 'The password or a link was changed at the same moment.'
    case EventReason.LINKED_TO_ANOTHER:
      return 'The account there is linked to another account here.'
    case EventReason.LINK_REQUIRED:
      return 'The account there has your e-mail address, but is not linked.'
    case EventReason.LOGOUT:
      return 'On the device itself.'
    case EventReason.LOGOUT_ALL:
      return 'On all devices at once.'
    case EventReason.LOGOUT_OTHERS:
      return 'On all devices but the one in use.'
    case EventReason.NO_PASSWORD:
      return 'The account had no password.'
    case EventReason.OTHER_IDENTITY:
      return 'It was another account there than the linked one.'
    case EventReason.PASSWORD_EXPIRED:
      return 'The password from the operator was not changed in time.'
    case EventReason.PROVIDER_ERROR:
      return 'The provider did not confirm it.'
    case EventReason.REGISTRATION_CLOSED:
      return 'New accounts are made by the operator.'
    case EventReason.REPLACED:
      return 'By another sign-in in the same browser.'
    case EventReason.REVOKED:
      return 'From the list of devices.'
    case EventReason.TOO_MANY_SESSIONS:
      return 'To make room for a new device, as there were too many.'
    case EventReason.UNKNOWN_ACCOUNT:
      return 'There was no such account.'
    case EventReason.WRONG_PASSWORD:
      return 'The password was wrong.'
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
