/** Whose tokens are whose: the browser has an id that means nothing, the tokens stay here. */
import { randomBytes } from 'node:crypto'
import type { TokenStore } from 'latchkey/client'

const lifetimeMilliseconds = 30 * 24 * 3600 * 1000

/** In memory, for one process. With several, this is a table or Redis. */
const sessions = new Map<string, { readonly store: TokenStore; readonly endsAt: number }>()

export const cookieName = 'app-session'

/** The tokens of the user who sends this cookie; undefined for anyone else. */
export function findStore(cookies: string | undefined): TokenStore | undefined {
  const session = sessions.get(idIn(cookies) ?? '')
  return session && session.endsAt > Date.now() ? session.store : undefined
}

/** Starts with a new id, so that no one can have planted it. @returns the cookie to set */
export function keepStore(store: TokenStore, isSecure: boolean): string {
  const now = Date.now()
  for (const [id, { endsAt }] of sessions) if (endsAt <= now) sessions.delete(id)
  const id = randomBytes(32).toString('base64url')
  sessions.set(id, { store, endsAt: now + lifetimeMilliseconds })
  return cookie(id, lifetimeMilliseconds / 1000, isSecure)
}

/** @returns the cookie to set */
export function dropStore(cookies: string | undefined, isSecure: boolean): string {
  sessions.delete(idIn(cookies) ?? '')
  return cookie('', 0, isSecure)
}

function idIn(cookies = ''): string | undefined {
  const pairs = cookies.split(';').map((pair) => pair.trim().split('='))
  return pairs.find(([name]) => name === cookieName)?.[1]
}

function cookie(value: string, seconds: number, isSecure: boolean): string {
  const secure = isSecure ? '; Secure' : ''
  return `${cookieName}=${value}; Max-Age=${seconds}; Path=/; HttpOnly; SameSite=Lax${secure}`
}
