/** The core that every front end needs, without a framework: documents, types, errors, `createAuthClient`. */
export type { TypedDocumentNode } from '@graphql-typed-document-node/core'
export {
  createAuthClient,
  type AuthClient,
  type AuthClientOptions,
  type RequestArguments,
  type RequestOptions,
} from './auth-client.ts'
export type { TokenSource } from './authorized-fetch.ts'
export {
  createCoordination,
  type Coordination,
  type Platform,
  type SharedSession,
  type TabMessage,
} from './coordination.ts'
export {
  assertNever,
  AuthError,
  errorCode,
  NetworkError,
  readServerError,
  type OtherError,
  type ServerError,
} from './errors.ts'
export * from './generated/operations.ts'
export * from './generated/schema.ts'
export type {
  BeginOptions,
  CompletedFlow,
  FlowPurpose,
  FlowStorage,
  ProviderLogin,
} from './provider-login.ts'
export type { Schedule } from './renewal.ts'
export type { ProofRequired } from './operation.ts'
export type { AskForProof, ReauthenticationRequired } from './proof.ts'
export type { AuthState, SignedOutReason } from './session.ts'
export { memoryTokenStore, type MaybePromise, type Tokens, type TokenStore } from './tokens.ts'
