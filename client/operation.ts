/** One GraphQL operation over `fetch`, without any token of its own accord. */
import {
  Kind,
  OperationTypeNode,
  print,
  type DocumentNode,
  type OperationDefinitionNode,
} from 'graphql'
import type { TypedDocumentNode } from '@graphql-typed-document-node/core'
import { AuthError, NetworkError, parseJson, toServerError } from './errors.ts'
import type { TokenErrorReason } from './generated/schema.ts'

/** What GraphQL over HTTP answers. */
export interface Answer<D> {
  readonly data?: D | null
  readonly errors?: readonly unknown[]
}

export interface Endpoint {
  readonly url: string
  readonly fetch: typeof fetch
  /** Whether the refresh token's cookie is to travel. */
  readonly usesCookie: boolean
}

export interface SendOptions {
  readonly accessToken?: string | undefined
  readonly signal?: AbortSignal | undefined
  /**
   * Goes on when the page is closed, so that the answer's cookie is kept: with the old one, the browser
   * would look like a thief the next time.
   */
  readonly outlivesPage?: boolean
}

/**
 * Sends an operation.
 * @throws NetworkError where there is no GraphQL answer; the caller's own abort as it is
 */
export async function send<D, V>(
  endpoint: Endpoint,
  document: TypedDocumentNode<D, V>,
  variables: V | undefined,
  { accessToken, outlivesPage = false, signal }: SendOptions = {},
): Promise<Answer<D>> {
  let response: Response
  let text: string
  try {
    response = await endpoint.fetch(endpoint.url, {
      method: 'POST',
      headers: {
        accept: 'application/graphql-response+json, application/json',
        'content-type': 'application/json',
        ...(accessToken !== undefined && { authorization: `Bearer ${accessToken}` }),
      },
      body: JSON.stringify({
        query: print(document),
        operationName: operationOf(document)?.name?.value,
        variables,
      }),
      ...(endpoint.usesCookie && { credentials: 'include', keepalive: outlivesPage }),
      ...(signal && { signal }),
    })
    text = await response.text()
  } catch (cause) {
    if (signal?.aborted) throw cause
    throw new NetworkError('The server cannot be reached.', { cause })
  }
  const answer = parseJson(text)
  if (typeof answer !== 'object' || answer === null || !('data' in answer || 'errors' in answer)) {
    throw new NetworkError(`What answered is no GraphQL server (${response.status}).`)
  }
  return answer as Answer<D>
}

/** @throws AuthError where there is an error, also beside data */
export function unwrap<D>({ data, errors }: Answer<D>): D {
  if (errors?.[0] !== undefined) throw new AuthError(toServerError(errors[0]))
  if (data == null) throw new NetworkError('What answered is no GraphQL server: it gave no data.')
  return data
}

function operationOf(document: DocumentNode, name?: string) {
  return document.definitions.find(
    (definition) =>
      definition.kind === Kind.OPERATION_DEFINITION &&
      (name === undefined || definition.name?.value === name),
  ) as OperationDefinitionNode | undefined
}

/** What the server has against the token that a request carried. */
export interface Refusal {
  readonly reason: TokenErrorReason
  /** Whether the operation can be sent again without doing anything twice. */
  readonly mayRepeat: boolean
}

/**
 * Reads a refusal out of an answer's errors.
 *
 * A guarded field is refused before it runs, so a query can always be sent again. The fields of a
 * mutation run one after the other, and what is guarded may lie deep in an answer: a mutation is sent
 * again only where it has one field, and that field itself was refused.
 * @param document undefined where it is not known
 */
export function readRefusal(
  { errors }: Answer<unknown>,
  document: DocumentNode | undefined,
  operationName?: string,
): Refusal | undefined {
  for (const error of errors ?? []) {
    const said = toServerError(error)
    if (said.code !== 'UNAUTHENTICATED') continue
    const operation = document && operationOf(document, operationName)
    return {
      reason: said.reason,
      mayRepeat:
        operation?.operation === OperationTypeNode.QUERY ||
        (operation?.selectionSet.selections.length === 1 &&
          operation.selectionSet.selections[0]!.kind === Kind.FIELD &&
          (error as { path?: readonly unknown[] }).path?.length === 1),
    }
  }
  return undefined
}
