/** From the browser to the rendering server, which adds the token. */
import { AuthError, readServerError, type TypedDocumentNode } from 'latchkey/client'
import { print } from 'graphql'

export async function ask<D, V>(document: TypedDocumentNode<D, V>, variables: V): Promise<D> {
  const response = await fetch('/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: print(document), variables }),
  })
  const answer = (await response.json()) as { data: D }
  const said = readServerError(answer)
  if (said) throw new AuthError(said)
  return answer.data
}
