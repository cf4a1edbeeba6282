import * as Documents from './operations.ts'
import { mutationHook, queryHook } from '../hooks.ts'

/**
 * The person whom the access token names.
 *
 * Guarded: `@authenticated`.
 */
export const useMeQuery = /* @__PURE__ */ queryHook(Documents.MeDocument)

/**
 * Greets whoever is signed in.
 *
 * Guarded: `@authenticated`.
 */
export const useProtectedQuery = /* @__PURE__ */ queryHook(Documents.ProtectedDocument)

/**
 * The person whom the access token names.
 *
 * Guarded: `@authenticated`.
 */
export const useSessionsQuery = /* @__PURE__ */ queryHook(Documents.SessionsDocument)

/**
 * Ends one of my sessions. False where I have none of that id.
 *
 * Guarded: `@authenticated`.
 *
 * - `id`: As in `Session.id`.
 */
export const useRevokeSessionMutation = /* @__PURE__ */ mutationHook(Documents.RevokeSessionDocument)

/**
 * Ends sessions. `THIS` takes the access token (an expired one too), the cookie or the argument, and is true however often it is called; `OTHERS` and `ALL` need a live access token.
 *
 * - `scope`: Which sessions to end.
 * - `refreshToken`: Names the session where there is no access token at hand.
 */
export const useLogoutMutation = /* @__PURE__ */ mutationHook(Documents.LogoutDocument)

/**
 * The sign-in buttons to show: the providers that this server is configured for.
 */
export const useProvidersQuery = /* @__PURE__ */ queryHook(Documents.ProvidersDocument)

/**
 * Begins a sign-in with a provider: OAuth 2.0 authorization code with PKCE. Send the user to `authorizationUrl`; they come back to `redirectUri` with a code. Called with an access token, the flow can also link the account (`linkProvider`).
 *
 * - `provider`: As in `Provider.id`.
 * - `redirectUri`: Where the person comes back to: exactly one of the server’s `REDIRECT_URIS` (with any port, if the entry is a loopback IP without a port), or its account page’s `/callback`.
 * - `purpose`: What the flow is for. It cannot be used for anything else.
 */
export const useBeginProviderLoginMutation = /* @__PURE__ */ mutationHook(Documents.BeginProviderLoginDocument)

/**
 * Links the account of a provider to mine, with a flow that I began while signed in. Linking it again changes nothing.
 *
 * Guarded: `@authenticated`.
 *
 * - `provider`: As in `Provider.id`.
 * - `code`: The `code` that the provider has put into the redirect URI.
 * - `state`: The `state` of the same response.
 * - `flowToken`: From `beginProviderLogin`.
 * - `iss`: The `iss` of the same response, if it has one (RFC 9207).
 */
export const useLinkProviderMutation = /* @__PURE__ */ mutationHook(Documents.LinkProviderDocument)

/**
 * Unlinks the provider from my account and ends my other sessions that it began. Fails with `LAST_CREDENTIAL` where it is the only way to sign in.
 *
 * Guarded: `@authenticated`.
 *
 * - `provider`: As in `Provider.id`.
 */
export const useUnlinkProviderMutation = /* @__PURE__ */ mutationHook(Documents.UnlinkProviderDocument)

/**
 * A token for the provider's own API, renewed where it has expired. Only where the operator keeps tokens (`<PROVIDER>_KEEP_TOKENS`).
 *
 * Guarded: `@authenticated`.
 *
 * - `provider`: As in `Provider.id`.
 */
export const useProviderTokenQuery = /* @__PURE__ */ queryHook(Documents.ProviderTokenDocument)

/**
 * The person whom the access token names.
 *
 * Guarded: `@authenticated`.
 */
export const useAccountQuery = /* @__PURE__ */ queryHook(Documents.AccountDocument)

/**
 * The person whom the access token names.
 *
 * Guarded: `@authenticated`.
 */
export const useEventsQuery = /* @__PURE__ */ queryHook(Documents.EventsDocument)

/**
 * Issues an access token for other services alone, to hand it to one of them. It opens nothing here, cannot be refreshed or widened, and expires no later than the access token that it is asked for with.
 *
 * Guarded: `@authenticated`.
 *
 * - `audiences`: For which services: one or more of the server’s `TOKEN_AUDIENCE`.
 */
export const useNarrowAccessTokenMutation = /* @__PURE__ */ mutationHook(Documents.NarrowAccessTokenDocument)
