/** Turns typed documents into React hooks. The hooks themselves are generated: generated/hooks.ts. */
import type { ApolloCache, OperationVariables, TypedDocumentNode } from '@apollo/client'
import { useMutation, useQuery, type SkipToken } from '@apollo/client/react'

/** For partial data, call Apollo's `useQuery` with the document: its result has another type. */
export type QueryOptions<TData, TVariables extends OperationVariables> = Omit<
  useQuery.Options<TData, TVariables>,
  'returnPartialData'
>

type QueryResult<
  TData,
  TVariables extends OperationVariables,
  TReturned = TVariables,
> = useQuery.Result<
  TData,
  TVariables,
  'empty' | 'streaming' | 'complete',
  TReturned & OperationVariables
>

/** Options may be left out if no variable is required. */
type Arguments<TOptions, TVariables> = {} extends TVariables
  ? [options?: TOptions]
  : [options: TOptions]

export interface QueryHook<TData, TVariables extends OperationVariables> {
  (
    ...options: Arguments<QueryOptions<TData, TVariables>, TVariables>
  ): QueryResult<TData, TVariables>
  (
    ...options: Arguments<QueryOptions<TData, TVariables> | SkipToken, TVariables>
  ): QueryResult<TData, TVariables, Partial<TVariables>>
}

/** Variables that the hook has got already need not be given again when the mutation is sent. */
export type MutationHook<TData, TVariables extends OperationVariables> = <
  TGiven extends Partial<TVariables> = {},
>(
  options?: useMutation.Options<TData, TVariables, ApolloCache, OnlyKnown<TGiven, TVariables>>,
) => useMutation.ResultTuple<TData, Remaining<TVariables, TGiven>>

type OnlyKnown<TGiven, TVariables> = {
  [K in keyof TGiven]: K extends keyof TVariables ? TGiven[K] : never
}
type Remaining<TVariables, TGiven> = Omit<TVariables, keyof TGiven> & {
  [K in keyof TVariables & keyof TGiven]?: TVariables[K]
}

// Apollo's signatures are conditional on the variables' type, which is open in the two functions
// below; hence the casts.

/** Apollo's `useQuery`, bound to a document. */
export function queryHook<TData, TVariables extends OperationVariables>(
  document: TypedDocumentNode<TData, TVariables>,
): QueryHook<TData, TVariables> {
  const use = useQuery as unknown as (query: typeof document, options?: unknown) => never
  return (options?: unknown) => use(document, options)
}

/** Apollo's `useMutation`, bound to a document. */
export function mutationHook<TData, TVariables extends OperationVariables>(
  document: TypedDocumentNode<TData, TVariables>,
): MutationHook<TData, TVariables> {
  const use = useMutation as unknown as (mutation: typeof document, options?: unknown) => never
  return (options) => use(document, options)
}
