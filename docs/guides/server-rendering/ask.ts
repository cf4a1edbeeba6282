/** From the browser to the rendering server, which adds the token. */
import { AuthError, NetworkError, readServerError, type TypedDocumentNode } from 'latchkey/client'
import { nameOf } from './operations.ts'

/** @throws AuthError if Latchkey refuses, NetworkError if it, or this server, is not reached */
export async function ask<D, V>(document: TypedDocumentNode<D, V>, variables: V): Promise<D> {
  let answer: { data: D }
  try {
    const response = await fetch('/graphql', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ operationName: nameOf(document), variables }),
    })
    answer = await response.json()
  } catch (cause) {
    throw new NetworkError('The server cannot be reached.', { cause })
  }
  const said = readServerError(answer)
  if (said) throw new AuthError(said)
  return answer.data
}
