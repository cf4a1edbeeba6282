import { MeDocument, ProtectedDocument, RevokeSessionDocument, errorCode } from 'latchkey/client'
import { auth, client } from './client.ts'

/** By urql: typed documents are its documents too. */
export async function greet(): Promise<string> {
  const { data, error } = await client.query(ProtectedDocument, {})
  if (errorCode(error) === 'UNAUTHENTICATED') return 'Sign in, please.'
  return data?.protected ?? 'The server cannot be reached.'
}

export async function signOutDevice(id: string): Promise<boolean> {
  const { data } = await client.mutation(RevokeSessionDocument, { id })
  return data?.revokeSession ?? false
}

/** Without any library. */
export async function readName(): Promise<string | null> {
  const { me } = await auth.request(MeDocument)
  return me.name
}

/** From a service of your own, which gets the access token. */
export async function readNotes(): Promise<unknown> {
  const response = await auth.fetch('http://localhost:5000/notes')
  if (!response.ok) throw new Error(`The notes answered ${response.status}`)
  return response.json()
}
