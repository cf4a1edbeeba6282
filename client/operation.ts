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
import { TokenErrorReason } from './generated/schema.ts'

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
   * Goes on when the page is closed, so that the response's cookie is kept: with the old one, the browser
   * would look like a thief the next time.
   */
  readonly keepalive?: boolean
}

/**
 * Sends an operation.
 * @throws NetworkError if there is no GraphQL response; the caller's own abort as it is
 */
export async function send<D, V>(
  endpoint: Endpoint,
  document: TypedDocumentNode<D, V>,
  variables: V | undefined,
  { accessToken, keepalive = false, signal }: SendOptions = {},
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
      ...(endpoint.usesCookie && { credentials: 'include', keepalive }),
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

/** @throws AuthError if there is an error, also beside data */
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

/** What a field asks for that needs a recent proof. */
export interface ProofRequired {
  /** How many seconds old the proof may be at most. */
  readonly maxAge: number
  /** With what it can be given: `password`, or ids of providers. */
  readonly methods: readonly string[]
}

/** What a server has against the token that a request carried. */
export interface Refusal {
  /** Present if the token is good, but its user has not proved recently enough who they are. */
  readonly proof?: ProofRequired
  /** Undefined if the server gives no reason, or is not the one that issued the token. */
  readonly reason: TokenErrorReason | undefined
  /** Whether the operation can be sent again without doing anything twice. */
  readonly isRetryable: boolean
}

/** What was sent, and where the response came from. */
export interface SentOperation {
  /** Undefined if it cannot be read. */
  readonly document: DocumentNode | undefined
  readonly operationName?: string | undefined
  /** Whether this client's own server responded. The reasons of other services say nothing about its session. */
  readonly isOwn: boolean
}

/** Reads a refusal out of the errors of a response. */
export function readRefusal(answer: Answer<unknown>, sent: SentOperation): Refusal | undefined {
  const withCode = (code: string) =>
    answer.errors?.find((each) => extensionsOf(each)['code'] === code)
  const error = withCode('UNAUTHENTICATED')
  if (error === undefined)
    return sent.isOwn ? readProof(answer, withCode(proofCode), sent) : undefined
  const given = String(extensionsOf(error)['reason'])
  const reason =
    sent.isOwn && Object.hasOwn(TokenErrorReason, given) ? (given as TokenErrorReason) : undefined
  return { reason, isRetryable: isRetryable(answer, error, reason !== undefined, sent) }
}

const proofCode = 'REAUTHENTICATION_REQUIRED'

function readProof(
  answer: Answer<unknown>,
  error: unknown,
  sent: SentOperation,
): Refusal | undefined {
  if (error === undefined) return undefined
  const { maxAge, methods } = extensionsOf(error)
  const proof = {
    maxAge: Number(maxAge),
    methods: Array.isArray(methods) ? (methods as readonly string[]) : [],
  }
  return { proof, reason: undefined, isRetryable: isRetryable(answer, error, true, sent) }
}

/**
 * Reads the body of a response with the status 401. If it does not say more, the request was refused
 * before anything ran (RFC 9110 section 15.5.2).
 */
export function readUnauthorized(text: string, sent: SentOperation): Refusal {
  const answer = parseJson(text) as Answer<unknown> | null | undefined
  const errors = Array.isArray(answer?.errors) ? (answer.errors as readonly unknown[]) : []
  return (
    readRefusal({ data: answer?.data, errors }, sent) ?? {
      reason: undefined,
      isRetryable:
        isQuery(sent) || [{}, ...errors].every((error) => isRequestError({ ...answer }, error)),
    }
  )
}

/**
 * A query can always be sent again. Our own server refuses a guarded field before the field runs, but the
 * fields of a mutation run one after the other, and the guarded field may be deep in the response: a
 * mutation is repeated only if it has one field and that field was refused. Another service may have
 * noticed anything at any time: its mutation is repeated only if nothing was executed.
 */
function isRetryable(
  answer: Answer<unknown>,
  error: unknown,
  isByGuard: boolean,
  sent: SentOperation,
): boolean {
  if (isQuery(sent)) return true
  if (!isByGuard) return isRequestError(answer, error)
  const operation = sent.document && operationOf(sent.document, sent.operationName)
  return (
    operation?.selectionSet.selections.length === 1 &&
    operation.selectionSet.selections[0]!.kind === Kind.FIELD &&
    (error as { path?: readonly unknown[] }).path?.length === 1
  )
}

function isQuery({ document, operationName }: SentOperation): boolean {
  const operation = document && operationOf(document, operationName)
  return operation?.operation === OperationTypeNode.QUERY
}

/** Raised before execution: the response then has no data (GraphQL section 7.1). */
function isRequestError({ data }: Answer<unknown>, error: unknown): boolean {
  return data === undefined && (error as { path?: unknown } | null)?.path === undefined
}

function extensionsOf(error: unknown): Record<string, unknown> {
  return (error as { extensions?: Record<string, unknown> } | null)?.extensions ?? {}
}
