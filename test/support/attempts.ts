/** Attempts from many addresses, as a proxy on this machine reports them (TRUST_PROXY=1). */
import type { Answer, Client } from './client.ts'
import type { TestServer } from './server.ts'

export const throttled = { THROTTLE: 'on', TRUST_PROXY: '1' }
export const wrongPassword = 'not the password'

/** @param from the client's address, or all of X-Forwarded-For */
export function loginFrom(
  client: Pick<Client, 'send'>,
  from: string,
  email: string,
  password: string = wrongPassword,
): Promise<Answer> {
  return client.send(
    `mutation ($email: String!, $password: String!) {
      login(email: $email, password: $password) { accessToken user { id } }
    }`,
    { email, password },
    { 'x-forwarded-for': from },
  )
}

export function registerFrom(client: Client, from: string, email: string): Promise<Answer> {
  return client.send(
    `mutation ($email: String!, $password: String!) {
      register(email: $email, password: $password) { accessToken user { id } }
    }`,
    { email, password: 'correct horse battery' },
    { 'x-forwarded-for': from },
  )
}

let addresses = 0

/** An address from which nothing has come yet (RFC 2544's block for tests). */
export function freshAddress(): string {
  addresses += 1
  return `198.18.${addresses >> 8}.${addresses & 255}`
}

/** Makes attempts one after the other until one is refused; @returns how many were accepted. */
export async function countAccepted(
  attempt: (index: number) => Promise<Answer>,
  most = 200,
): Promise<number> {
  for (let index = 0; index < most; index++) {
    if ((await attempt(index)).code === 'RATE_LIMITED') return index
  }
  return most
}

/** Fewer than may wait for a hash, so that it is the throttle that refuses. */
const atOnce = 10

/** Makes so many attempts, some at a time; @returns how many were accepted. */
export async function countAcceptedOf(
  total: number,
  attempt: (index: number) => Promise<Answer>,
): Promise<number> {
  let accepted = 0
  for (let begin = 0; begin < total; begin += atOnce) {
    const indexes = Array.from({ length: Math.min(atOnce, total - begin) }, (_, i) => begin + i)
    const answers = await Promise.all(indexes.map(attempt))
    accepted += answers.filter(({ code }) => code !== 'RATE_LIMITED').length
  }
  return accepted
}

/** How many attempts the server remembers, over all of its counters. */
export async function chargedAttempts(server: TestServer): Promise<number> {
  const [row] = await server.database.query(
    'select coalesce(sum(count), 0) as charged from attempt_counters',
  )
  return Number(row!['charged'])
}
