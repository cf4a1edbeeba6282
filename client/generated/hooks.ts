import * as Documents from './operations.ts'
import { mutationHook, queryHook } from '../hooks.ts'

/**
 * The signed-in user.
 *
 * Guarded: `@authenticated`.
 */
export const useMeQuery = /* @__PURE__ */ queryHook(Documents.MeDocument)

/**
 * Returns a greeting for the signed-in user.
 *
 * Guarded: `@authenticated`.
 */
export const useProtectedQuery = /* @__PURE__ */ queryHook(Documents.ProtectedDocument)

/**
 * The signed-in user.
 *
 * Guarded: `@authenticated`.
 */
export const useSessionsQuery = /* @__PURE__ */ queryHook(Documents.SessionsDocument)

/**
 * Revokes one of the user's sessions. Returns false if the user has no session with this id.
 *
 * Guarded: `@authenticated`.
 *
 * - `id`: The id of a session, as in `Session.id`.
 */
export const useRevokeSessionMutation = /* @__PURE__ */ mutationHook(Documents.RevokeSessionDocument)

/**
 * Signs out. `THIS` accepts the access token (even an expired one), the cookie or the argument, and returns true however often it is called; `OTHERS` and `ALL` need a valid access token.
 *
 * - `scope`: Which sessions to revoke.
 * - `refreshToken`: Identifies the session if no access token is sent.
 */
export const useLogoutMutation = /* @__PURE__ */ mutationHook(Documents.LogoutDocument)

/**
 * The providers that are configured on this server: one sign-in button for each.
 */
export const useProvidersQuery = /* @__PURE__ */ queryHook(Documents.ProvidersDocument)

/**
 * Starts a sign-in with a provider: OAuth 2.0 authorization code with PKCE. Send the user to `authorizationUrl`; they come back to `redirectUri` with a code. Called with an access token, the flow can also link the account (`linkProvider`).
 *
 * - `provider`: The id of a provider, as in `Provider.id`.
 * - `redirectUri`: Where the provider sends the user afterwards: exactly one of the server’s `REDIRECT_URIS` (with any port if the entry is a loopback IP without a port), or `/callback` of its account page.
 * - `purpose`: What the flow will be used for. It is not accepted for anything else.
 */
export const useBeginProviderLoginMutation = /* @__PURE__ */ mutationHook(Documents.BeginProviderLoginDocument)

/**
 * Links an account at a provider to the user, with a flow that was started with an access token. Linking the same account again changes nothing.
 *
 * Guarded: `@authenticated`.
 *
 * - `provider`: The id of a provider, as in `Provider.id`.
 * - `code`: The `code` that the provider has added to the redirect URI.
 * - `state`: The `state` that the provider has added to the redirect URI.
 * - `flowToken`: The `flowToken` that `beginProviderLogin` returned.
 * - `iss`: The `iss` that the provider has added to the redirect URI, if any (RFC 9207).
 */
export const useLinkProviderMutation = /* @__PURE__ */ mutationHook(Documents.LinkProviderDocument)

/**
 * Unlinks a provider from the user and revokes the user's other sessions that were started with it. Fails with `LAST_CREDENTIAL` if it is the only way to sign in.
 *
 * Guarded: `@authenticated`.
 *
 * - `provider`: The id of a provider, as in `Provider.id`.
 */
export const useUnlinkProviderMutation = /* @__PURE__ */ mutationHook(Documents.UnlinkProviderDocument)

/**
 * Returns an access token for the provider's own API, renewed if it has expired. Available only if the operator has set `<PROVIDER>_KEEP_TOKENS`.
 *
 * Guarded: `@authenticated`.
 *
 * - `provider`: The id of a provider, as in `Provider.id`.
 */
export const useProviderTokenQuery = /* @__PURE__ */ queryHook(Documents.ProviderTokenDocument)

/**
 * The signed-in user.
 *
 * Guarded: `@authenticated`.
 */
export const useAccountQuery = /* @__PURE__ */ queryHook(Documents.AccountDocument)

/**
 * The signed-in user.
 *
 * Guarded: `@authenticated`.
 */
export const useEventsQuery = /* @__PURE__ */ queryHook(Documents.EventsDocument)

/**
 * Issues an access token that only other services accept, so that it can be handed to one of them. This server does not accept it. It cannot be refreshed or widened, and expires no later than the access token of the request.
 *
 * Guarded: `@authenticated`.
 *
 * - `audiences`: The services that may accept the token: one or more of the server’s `TOKEN_AUDIENCE`.
 */
export const useNarrowAccessTokenMutation = /* @__PURE__ */ mutationHook(Documents.NarrowAccessTokenDocument)
