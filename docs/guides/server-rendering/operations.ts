/** What the page may ask for, by name. Not sign-ins, nor a new password: their responses have tokens. */
import { RevokeSessionDocument } from 'latchkey/client'
import { getOperationAST, print, type DocumentNode } from 'graphql'

export function nameOf(document: DocumentNode): string {
  return getOperationAST(document)?.name?.value ?? ''
}

export const operations: ReadonlyMap<string, string> = new Map(
  [RevokeSessionDocument].map((document) => [nameOf(document), print(document)]),
)
