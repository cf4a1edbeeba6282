import * as Documents from './operations.ts'
import { mutationHook, queryHook } from '../hooks.ts'

/**
 * Makes an account and signs it in. Fails with `EMAIL_TAKEN` where the address has one, `BAD_USER_INPUT` where an argument breaks a rule.
 *
 * - `email`: Trimmed and lower-cased; at most 254 bytes.
 * - `password`: At least 8 characters (Unicode code points) and at most 72 bytes of UTF-8, both after Unicode normalization (NFC), and not the e-mail address.
 * - `name`: What the user wants to be called; at most 200 characters (Unicode code points).
 * - `transport`: How the refresh token travels.
 */
export const useRegisterMutation = /* @__PURE__ */ mutationHook(Documents.RegisterDocument)

/**
 * Signs in with a password. Fails with `INVALID_CREDENTIALS` whatever was wrong, and with `RATE_LIMITED` after too many failures, or while too many others are waiting.
 *
 * - `email`: In any letter case.
 * - `password`: As it was registered.
 * - `transport`: How the refresh token travels.
 */
export const useLoginMutation = /* @__PURE__ */ mutationHook(Documents.LoginDocument)

/**
 * Signs in with a password. Fails with `INVALID_CREDENTIALS` whatever was wrong, and with `RATE_LIMITED` after too many failures, or while too many others are waiting.
 *
 * - `email`: In any letter case.
 * - `password`: As it was registered.
 */
export const useLoginWithCookieMutation = /* @__PURE__ */ mutationHook(Documents.LoginWithCookieDocument)

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
 * Exchanges a refresh token for the next pair of tokens. Within the grace window a replaced token gets the same successor again; an older one ends the session with `REFRESH_TOKEN_REUSED`.
 *
 * - `refreshToken`: Left out, the cookie's is used and the successor goes into the cookie.
 */
export const useRefreshTokenMutation = /* @__PURE__ */ mutationHook(Documents.RefreshTokenDocument)

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
 * Changes my password, or sets the first one, and ends my other sessions. The tokens of this session are replaced; the new refresh token travels as the old one did. Setting the first one fails with `REAUTHENTICATION_REQUIRED` if I have not proved in the last 5 minutes who I am.
 *
 * Guarded: `@authenticated`.
 *
 * - `currentPassword`: Needed unless the account has no password yet.
 * - `newPassword`: The same rules as for `register`.
 */
export const useChangePasswordMutation = /* @__PURE__ */ mutationHook(Documents.ChangePasswordDocument)

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
 * Signs in with the response of a provider; the first time it creates an account. A flow can be used once. If the provider attests the e-mail address and an account has it, the sign-in joins that account, or takes it over if its address was never verified. Any other account with the address is an error: `LINK_REQUIRED`.
 *
 * - `provider`: As in `Provider.id`.
 * - `code`: The `code` that the provider has put into the redirect URI.
 * - `state`: The `state` of the same response.
 * - `flowToken`: From `beginProviderLogin`.
 * - `iss`: The `iss` of the same response, if it has one (RFC 9207).
 * - `transport`: How the refresh token travels.
 */
export const useLoginWithProviderMutation = /* @__PURE__ */ mutationHook(Documents.LoginWithProviderDocument)

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
 * Proves with my password that it is still me, for fields that need a recent proof (`@requiresFresh`). The session stays the same; its tokens are replaced, and the new refresh token travels as the old one did. Fails with `INVALID_CREDENTIALS`, and with `RATE_LIMITED` as `login` does.
 *
 * Guarded: `@authenticated`.
 *
 * - `password`: As it was registered.
 */
export const useReauthenticateMutation = /* @__PURE__ */ mutationHook(Documents.ReauthenticateDocument)

/**
 * Proves with an account of a provider that is linked to mine that it is still me, for fields that need a recent proof (`@requiresFresh`). Takes a flow that I began while signed in, with the purpose `REAUTHENTICATE`. The session stays the same; its tokens are replaced, and the new refresh token travels as the old one did. Fails with `FORBIDDEN` if another account of the provider comes back.
 *
 * Guarded: `@authenticated`.
 *
 * - `provider`: As in `Provider.id`.
 * - `code`: The `code` that the provider has put into the redirect URI.
 * - `state`: The `state` of the same response.
 * - `flowToken`: From `beginProviderLogin`.
 * - `iss`: The `iss` of the same response, if it has one (RFC 9207).
 */
export const useReauthenticateWithProviderMutation = /* @__PURE__ */ mutationHook(Documents.ReauthenticateWithProviderDocument)

/**
 * Issues an access token for other services alone, to hand it to one of them. It opens nothing here, cannot be refreshed or widened, and expires no later than the access token that it is asked for with.
 *
 * Guarded: `@authenticated`.
 *
 * - `audiences`: For which services: one or more of the server’s `TOKEN_AUDIENCE`.
 */
export const useNarrowAccessTokenMutation = /* @__PURE__ */ mutationHook(Documents.NarrowAccessTokenDocument)
