export type Maybe<T> = T | null;
export type InputMaybe<T> = Maybe<T>;
/** All built-in and custom scalars, mapped to their actual values */
export type Scalars = {
  ID: { input: string; output: string; }
  String: { input: string; output: string; }
  Boolean: { input: boolean; output: boolean; }
  Int: { input: number; output: number; }
  Float: { input: number; output: number; }
  /** A date-time string at UTC, such as 2007-12-03T10:15:30Z, compliant with the `date-time` format outlined in section 5.6 of the RFC 3339 profile of the ISO 8601 standard for representation of dates and times using the Gregorian calendar. */
  DateTime: { input: string; output: string; }
};

/** Returned by a sign-in or a refresh. */
export type AuthPayload = {
  /** A JWT (RFC 9068) for the `Authorization` header. Other services verify it with /.well-known/jwks.json. */
  accessToken: Scalars['String']['output'];
  /** Seconds until the access token expires. */
  expiresIn: Scalars['Int']['output'];
  /** Seconds until the session ends unless it is refreshed before. */
  refreshExpiresIn: Scalars['Int']['output'];
  /** Exchange it once for the next pair of tokens (`refreshToken`). Null with transport COOKIE. */
  refreshToken?: Maybe<Scalars['String']['output']>;
  /** Always `Bearer`. */
  tokenType: Scalars['String']['output'];
  /** The user who signed in. */
  user: User;
};

/** Why a request failed, as `errors[].extensions.code`. GraphQL's own codes, such as `GRAPHQL_VALIDATION_FAILED`, may occur as well. */
export const ErrorCode = {
  /** An argument breaks a rule; `field` names it. */
  BAD_USER_INPUT: 'BAD_USER_INPUT',
  /** There is an account with this e-mail address. */
  EMAIL_TAKEN: 'EMAIL_TAKEN',
  /** The user lacks the role that the field needs, the account at the provider is not the linked one, or registration is closed. */
  FORBIDDEN: 'FORBIDDEN',
  /** Unexpected error: look up `requestId` in the server log. */
  INTERNAL_SERVER_ERROR: 'INTERNAL_SERVER_ERROR',
  /** Wrong e-mail or password. The response does not reveal which of the two. */
  INVALID_CREDENTIALS: 'INVALID_CREDENTIALS',
  /** The flow of a provider sign-in belongs to another client, was used before, has expired, or its state differs. */
  INVALID_FLOW: 'INVALID_FLOW',
  /** The refresh token is unknown, malformed or expired, or its session has ended; `reason` says which. */
  INVALID_REFRESH_TOKEN: 'INVALID_REFRESH_TOKEN',
  /** Unlinking this provider would leave the account without a way to sign in. */
  LAST_CREDENTIAL: 'LAST_CREDENTIAL',
  /** An account has the provider's e-mail address, and this sign-in may not join it: sign in to that account and call `linkProvider`. */
  LINK_REQUIRED: 'LINK_REQUIRED',
  /** The request body is too large. */
  PAYLOAD_TOO_LARGE: 'PAYLOAD_TOO_LARGE',
  /** The provider refused the sign-in or sent an invalid response. */
  PROVIDER_ERROR: 'PROVIDER_ERROR',
  /** The operation exceeds a limit: tokens, depth, aliases, directives or cost. */
  QUERY_TOO_COMPLEX: 'QUERY_TOO_COMPLEX',
  /** Too many attempts, or the server is busy: retry after `retryAfter` seconds. */
  RATE_LIMITED: 'RATE_LIMITED',
  /** The user's last proof of identity is too old for this field. Call `reauthenticate` or `reauthenticateWithProvider`, then send the operation again. `maxAge` is how many seconds old the proof may be; `methods` lists how to prove it: `password`, or ids of providers. */
  REAUTHENTICATION_REQUIRED: 'REAUTHENTICATION_REQUIRED',
  /** A refresh token that had already been replaced was used again. Its session is revoked. */
  REFRESH_TOKEN_REUSED: 'REFRESH_TOKEN_REUSED',
  /** A guarded field was requested without a valid access token, or the account is disabled; `reason` says why. */
  UNAUTHENTICATED: 'UNAUTHENTICATED',
  /** No provider with this id is configured. */
  UNKNOWN_PROVIDER: 'UNKNOWN_PROVIDER'
} as const;

export type ErrorCode = typeof ErrorCode[keyof typeof ErrorCode];
/** An entry of the audit trail of an account. */
export type Event = {
  /** Who caused the event. */
  actor: EventActor;
  /** Identifies the event. */
  id: Scalars['ID']['output'];
  /** The client IP. */
  ip?: Maybe<Scalars['String']['output']>;
  /** The sign-in method: `password` or a provider's id. */
  method?: Maybe<Scalars['String']['output']>;
  /** When it happened. */
  occurredAt: Scalars['DateTime']['output'];
  /** Whether the action succeeded. */
  outcome: EventOutcome;
  /** Why the action failed, or how the session ended. */
  reason?: Maybe<EventReason>;
  /** The role that was granted or revoked. */
  role?: Maybe<Role>;
  /** The session that the event concerns or that caused it. */
  sessionId?: Maybe<Scalars['ID']['output']>;
  /** How many sessions were revoked. */
  sessionsEnded?: Maybe<Scalars['Int']['output']>;
  /** What happened. */
  type: EventType;
  /** The `User-Agent` of the request, at most 512 characters. */
  userAgent?: Maybe<Scalars['String']['output']>;
};

/** Who caused an event. */
export const EventActor = {
  /** The user of the account, who was signed in or just signed in. */
  ACCOUNT: 'ACCOUNT',
  /** A client that did not prove that the account is theirs. */
  ANONYMOUS: 'ANONYMOUS',
  /** An operator of the server, by a command. */
  OPERATOR: 'OPERATOR'
} as const;

export type EventActor = typeof EventActor[keyof typeof EventActor];
/** A page of events, the newest first. */
export type EventConnection = {
  /** The events of this page. */
  edges: Array<EventEdge>;
  /** How to get the next page. */
  pageInfo: PageInfo;
};

/** An event with its cursor. */
export type EventEdge = {
  /** Pass it as `after` to get the events that follow this one. */
  cursor: Scalars['String']['output'];
  /** The event. */
  node: Event;
};

/** Whether the action succeeded. */
export const EventOutcome = {
  /** The action was refused. */
  FAILURE: 'FAILURE',
  /** The action succeeded. */
  SUCCESS: 'SUCCESS'
} as const;

export type EventOutcome = typeof EventOutcome[keyof typeof EventOutcome];
/** Why a sign-in or a link failed, or why a session ended. Later versions may add values. */
export const EventReason = {
  /** The credentials were correct, but the account is disabled. */
  ACCOUNT_DISABLED: 'ACCOUNT_DISABLED',
  /** A replaced refresh token was used again right away, from another network and with another `User-Agent`. */
  ANOTHER_ORIGIN: 'ANOTHER_ORIGIN',
  /** The credentials were changed while they were being verified. */
  CREDENTIALS_CHANGED: 'CREDENTIALS_CHANGED',
  /** The account at the provider is linked to another Latchkey account. */
  LINKED_TO_ANOTHER: 'LINKED_TO_ANOTHER',
  /** The account has the e-mail address of the provider, but the provider is not linked to it. */
  LINK_REQUIRED: 'LINK_REQUIRED',
  /** The user signed out of this session. */
  LOGOUT: 'LOGOUT',
  /** The user signed out of all sessions (`logout`, scope `ALL`). */
  LOGOUT_ALL: 'LOGOUT_ALL',
  /** The user signed out of all other sessions (`logout`, scope `OTHERS`). */
  LOGOUT_OTHERS: 'LOGOUT_OTHERS',
  /** The account has no password. */
  NO_PASSWORD: 'NO_PASSWORD',
  /** The account at the provider is not the one that is linked to this account. */
  OTHER_IDENTITY: 'OTHER_IDENTITY',
  /** The password was set by an operator and expired before the user changed it. */
  PASSWORD_EXPIRED: 'PASSWORD_EXPIRED',
  /** The provider refused the sign-in or sent an invalid response. */
  PROVIDER_ERROR: 'PROVIDER_ERROR',
  /** The sign-in would have created an account, but registration is closed. */
  REGISTRATION_CLOSED: 'REGISTRATION_CLOSED',
  /** Another sign-in in the same browser replaced the session (transport COOKIE). */
  REPLACED: 'REPLACED',
  /** The user revoked the session (`revokeSession`). */
  REVOKED: 'REVOKED',
  /** The account reached its session limit, so its oldest session was revoked. */
  TOO_MANY_SESSIONS: 'TOO_MANY_SESSIONS',
  /** No account has the e-mail address. */
  UNKNOWN_ACCOUNT: 'UNKNOWN_ACCOUNT',
  /** The password was wrong. */
  WRONG_PASSWORD: 'WRONG_PASSWORD'
} as const;

export type EventReason = typeof EventReason[keyof typeof EventReason];
/** The kind of an event. Later versions may add values. */
export const EventType = {
  /** An account was created: by registration, by a first sign-in with a provider, or by an operator. */
  ACCOUNT_CREATED: 'ACCOUNT_CREATED',
  /** An operator deleted the account. */
  ACCOUNT_DELETED: 'ACCOUNT_DELETED',
  /** An operator disabled the account. */
  ACCOUNT_DISABLED: 'ACCOUNT_DISABLED',
  /** An operator enabled the account. It has no sessions left. */
  ACCOUNT_ENABLED: 'ACCOUNT_ENABLED',
  /** The owner of the e-mail address signed in with a provider that has verified it. The address had never been verified here, so the previous password, sessions and linked providers were removed. */
  ACCOUNT_RECLAIMED: 'ACCOUNT_RECLAIMED',
  /** An operator backed up the database. Not tied to an account. */
  DATABASE_BACKED_UP: 'DATABASE_BACKED_UP',
  /** An operator restored the database, and all sessions were revoked. Not tied to an account. */
  DATABASE_RESTORED: 'DATABASE_RESTORED',
  /** A linked provider confirmed that the e-mail address belongs to the user. */
  EMAIL_VERIFIED: 'EMAIL_VERIFIED',
  /** An operator replaced the signing keys, and all sessions were revoked. Not tied to an account. */
  KEYS_RESET: 'KEYS_RESET',
  /** An operator rotated the signing keys. Not tied to an account. */
  KEYS_ROTATED: 'KEYS_ROTATED',
  /** The password was changed, and the other sessions were revoked. If an operator changed it, all sessions were revoked. */
  PASSWORD_CHANGED: 'PASSWORD_CHANGED',
  /** A change of the password was refused because the current password was wrong. */
  PASSWORD_CHANGE_FAILED: 'PASSWORD_CHANGE_FAILED',
  /** An operator removed the password and revoked all sessions. */
  PASSWORD_REMOVED: 'PASSWORD_REMOVED',
  /** The first password of the account was set. */
  PASSWORD_SET: 'PASSWORD_SET',
  /** A provider was linked: the user can sign in with it. */
  PROVIDER_LINKED: 'PROVIDER_LINKED',
  /** A link was refused; `reason` says why. */
  PROVIDER_LINK_FAILED: 'PROVIDER_LINK_FAILED',
  /** A provider was unlinked, and other sessions started with it were revoked. */
  PROVIDER_UNLINKED: 'PROVIDER_UNLINKED',
  /** The user proved their identity again; `method` says how. */
  REAUTHENTICATED: 'REAUTHENTICATED',
  /** A repeated proof of identity was refused; `reason` says why. */
  REAUTHENTICATION_FAILED: 'REAUTHENTICATION_FAILED',
  /** A refresh token was used twice within the grace window, the second time from another network or with another `User-Agent`: it may have been copied. The session continues. */
  REFRESH_TOKEN_REPEATED: 'REFRESH_TOKEN_REPEATED',
  /** A refresh token that had already been replaced was used again: it may have been copied. The session was revoked. */
  REFRESH_TOKEN_REUSED: 'REFRESH_TOKEN_REUSED',
  /** An operator granted a role. */
  ROLE_GRANTED: 'ROLE_GRANTED',
  /** An operator revoked a role. */
  ROLE_REVOKED: 'ROLE_REVOKED',
  /** One or more sessions ended; `reason` says why. */
  SESSION_ENDED: 'SESSION_ENDED',
  /** A user signed in and a session was created. */
  SIGNED_IN: 'SIGNED_IN',
  /** A sign-in was refused; `reason` says why. */
  SIGN_IN_FAILED: 'SIGN_IN_FAILED'
} as const;

export type EventType = typeof EventType[keyof typeof EventType];
/** An account at a provider that the user can sign in with. */
export type Identity = {
  /** The e-mail address that the provider reported at the last sign-in, if any. */
  email?: Maybe<Scalars['String']['output']>;
  /** When the provider was linked to this account. */
  linkedAt: Scalars['DateTime']['output'];
  /** The provider's id, as in `Query.providers`. */
  provider: Scalars['String']['output'];
};

/** Which sessions to revoke. */
export const LogoutScope = {
  /** All of this user's sessions. */
  ALL: 'ALL',
  /** All of this user's sessions except the one of the access token. */
  OTHERS: 'OTHERS',
  /** The session of the access token, the cookie or the refresh token in the request. */
  THIS: 'THIS'
} as const;

export type LogoutScope = typeof LogoutScope[keyof typeof LogoutScope];
export type Mutation = {
  /** Starts a sign-in with a provider: OAuth 2.0 authorization code with PKCE. Send the user to `authorizationUrl`; they come back to `redirectUri` with a code. Called with an access token, the flow can also link the account (`linkProvider`). */
  beginProviderLogin: ProviderFlow;
  /** Changes the user's password, or sets the first one, and revokes the user's other sessions. The tokens of this session are replaced; the new refresh token is sent the same way as the old one. Setting a first password, or replacing an expired one that an operator set, fails with `REAUTHENTICATION_REQUIRED` if the user's last proof of identity is more than 5 minutes old. */
  changePassword: AuthPayload;
  /** Links an account at a provider to the user, with a flow that was started with an access token. Linking the same account again changes nothing. */
  linkProvider: User;
  /** Signs in with a password. Fails with `INVALID_CREDENTIALS` whether the e-mail address or the password was wrong, and with `RATE_LIMITED` after too many failures or while the server is busy. */
  login: AuthPayload;
  /** Signs in with the response of a provider; the first sign-in creates an account. A flow can be used once. If the provider has verified the e-mail address and an account has it, the sign-in joins that account, or takes it over if its address was never verified. If the sign-in may not join the account with that address, it fails with `LINK_REQUIRED`. */
  loginWithProvider: AuthPayload;
  /** Signs out. `THIS` accepts the access token (even an expired one), the cookie or the argument, and returns true however often it is called; `OTHERS` and `ALL` need a valid access token. */
  logout: Scalars['Boolean']['output'];
  /** Issues an access token that only other services accept, so that it can be handed to one of them. This server does not accept it. It cannot be refreshed or widened, and expires no later than the access token of the request. */
  narrowAccessToken: NarrowedToken;
  /** Proves the user's identity again with the password, for fields that need a recent proof (`@requiresFresh`). The session stays the same; its tokens are replaced, and the new refresh token is sent the same way as the old one. Fails with `INVALID_CREDENTIALS`, and with `RATE_LIMITED` as `login` does. */
  reauthenticate: AuthPayload;
  /** Proves the user's identity again with a linked provider, for fields that need a recent proof (`@requiresFresh`). Takes a flow that was started with an access token and the purpose `REAUTHENTICATE`. The session stays the same; its tokens are replaced, and the new refresh token is sent the same way as the old one. Fails with `FORBIDDEN` if the user signed in to a different account at the provider. */
  reauthenticateWithProvider: AuthPayload;
  /** Exchanges a refresh token for the next pair of tokens. Within the grace window a replaced token gets the same successor again. Any older token revokes the session and fails with `REFRESH_TOKEN_REUSED`. */
  refreshToken: AuthPayload;
  /** Creates an account and signs the user in. Fails with `EMAIL_TAKEN` if an account has the e-mail address, and with `BAD_USER_INPUT` if an argument breaks a rule. */
  register: AuthPayload;
  /** Revokes one of the user's sessions. Returns false if the user has no session with this id. */
  revokeSession: Scalars['Boolean']['output'];
  /** Unlinks a provider from the user and revokes the user's other sessions that were started with it. Fails with `LAST_CREDENTIAL` if it is the only way to sign in. */
  unlinkProvider: User;
  /** Changes the user's profile. An argument that is omitted changes nothing. */
  updateProfile: User;
};


export type MutationBeginProviderLoginArgs = {
  provider: Scalars['String']['input'];
  purpose?: ProviderFlowPurpose;
  redirectUri: Scalars['String']['input'];
};


export type MutationChangePasswordArgs = {
  currentPassword?: InputMaybe<Scalars['String']['input']>;
  newPassword: Scalars['String']['input'];
};


export type MutationLinkProviderArgs = {
  code: Scalars['String']['input'];
  flowToken: Scalars['String']['input'];
  iss?: InputMaybe<Scalars['String']['input']>;
  provider: Scalars['String']['input'];
  state: Scalars['String']['input'];
};


export type MutationLoginArgs = {
  email: Scalars['String']['input'];
  password: Scalars['String']['input'];
  transport?: TokenTransport;
};


export type MutationLoginWithProviderArgs = {
  code: Scalars['String']['input'];
  flowToken: Scalars['String']['input'];
  iss?: InputMaybe<Scalars['String']['input']>;
  provider: Scalars['String']['input'];
  state: Scalars['String']['input'];
  transport?: TokenTransport;
};


export type MutationLogoutArgs = {
  refreshToken?: InputMaybe<Scalars['String']['input']>;
  scope?: LogoutScope;
};


export type MutationNarrowAccessTokenArgs = {
  audiences: Array<Scalars['String']['input']>;
};


export type MutationReauthenticateArgs = {
  password: Scalars['String']['input'];
};


export type MutationReauthenticateWithProviderArgs = {
  code: Scalars['String']['input'];
  flowToken: Scalars['String']['input'];
  iss?: InputMaybe<Scalars['String']['input']>;
  provider: Scalars['String']['input'];
  state: Scalars['String']['input'];
};


export type MutationRefreshTokenArgs = {
  refreshToken?: InputMaybe<Scalars['String']['input']>;
};


export type MutationRegisterArgs = {
  email: Scalars['String']['input'];
  name?: InputMaybe<Scalars['String']['input']>;
  password: Scalars['String']['input'];
  transport?: TokenTransport;
};


export type MutationRevokeSessionArgs = {
  id: Scalars['ID']['input'];
};


export type MutationUnlinkProviderArgs = {
  provider: Scalars['String']['input'];
};


export type MutationUpdateProfileArgs = {
  name?: InputMaybe<Scalars['String']['input']>;
};

/** An access token that other services accept and this server does not. */
export type NarrowedToken = {
  /** A JWT (RFC 9068) that only the named services accept. */
  accessToken: Scalars['String']['output'];
  /** The `aud` claim of the token. */
  audiences: Array<Scalars['String']['output']>;
  /** Seconds until the token expires. It cannot be refreshed. */
  expiresIn: Scalars['Int']['output'];
  /** Always `Bearer`. */
  tokenType: Scalars['String']['output'];
};

/** Pagination info. */
export type PageInfo = {
  /** The cursor of the last edge, if any. Pass it as `after` to get the next page. */
  endCursor?: Maybe<Scalars['String']['output']>;
  /** Whether older entries follow. */
  hasNextPage: Scalars['Boolean']['output'];
  /** Always false: paging backwards is not supported. */
  hasPreviousPage: Scalars['Boolean']['output'];
  /** The cursor of the first edge, if any. */
  startCursor?: Maybe<Scalars['String']['output']>;
};

/** A provider of identities that users can sign in with, such as Google. */
export type Provider = {
  /** The value of `provider` arguments, for example `google`. */
  id: Scalars['ID']['output'];
  /** The text of the sign-in button, for example `Google`. */
  name: Scalars['String']['output'];
};

/** A sign-in with a provider that has been started. */
export type ProviderFlow = {
  /** Send the user to this URL. */
  authorizationUrl: Scalars['String']['output'];
  /** When the flow expires: ten minutes after its start. */
  expiresAt: Scalars['DateTime']['output'];
  /** Proves, together with `state`, that the response belongs to the client that started the flow. Keep it secret until the user comes back. */
  flowToken: Scalars['String']['output'];
};

/** What a flow with a provider is used for. */
export const ProviderFlowPurpose = {
  /** For `reauthenticateWithProvider`: the provider is asked to authenticate the user again. Needs an access token, and a provider that is linked to the account. */
  REAUTHENTICATE: 'REAUTHENTICATE',
  /** For `loginWithProvider`, and for `linkProvider` if the flow was started with an access token. */
  SIGN_IN: 'SIGN_IN'
} as const;

export type ProviderFlowPurpose = typeof ProviderFlowPurpose[keyof typeof ProviderFlowPurpose];
/** An access token for the provider's own API. */
export type ProviderToken = {
  /** The access token; this server does not accept it. */
  accessToken: Scalars['String']['output'];
  /** When the token expires; null if the provider did not say. */
  expiresAt?: Maybe<Scalars['DateTime']['output']>;
  /** The scopes that the user has granted. */
  scopes: Array<Scalars['String']['output']>;
};

export type Query = {
  /** The signed-in user. */
  me: User;
  /** Returns a greeting for the signed-in user. */
  protected: Scalars['String']['output'];
  /** Returns an access token for the provider's own API, renewed if it has expired. Available only if the operator has set `<PROVIDER>_KEEP_TOKENS`. */
  providerToken: ProviderToken;
  /** The providers that are configured on this server: one sign-in button for each. */
  providers: Array<Provider>;
};


export type QueryProviderTokenArgs = {
  provider: Scalars['String']['input'];
};

/** What a user may do. */
export const Role = {
  /** Granted by an operator; opens fields marked `@requiresRole(roles: [ADMIN])`. */
  ADMIN: 'ADMIN',
  /** Every account has this role. */
  USER: 'USER'
} as const;

export type Role = typeof Role[keyof typeof Role];
/** A signed-in device or browser. */
export type Session = {
  /** When the user signed in. */
  createdAt: Scalars['DateTime']['output'];
  /** Whether the session is the one of this request. */
  current: Scalars['Boolean']['output'];
  /** When the session ends if it is not refreshed after `lastUsedAt`. */
  expiresAt: Scalars['DateTime']['output'];
  /** Identifies the session for `revokeSession`; the `sid` claim of its access tokens. Not a credential. */
  id: Scalars['ID']['output'];
  /** The client IP of the last sign-in or refresh. */
  ip?: Maybe<Scalars['String']['output']>;
  /** When the session was last refreshed, or started, to the hour. It changes at full hours only, so it does not reveal the exact time. */
  lastUsedAt: Scalars['DateTime']['output'];
  /** How the user signed in: `password` or a provider's id. */
  method: Scalars['String']['output'];
  /** The `User-Agent` of the last sign-in or refresh, at most 512 characters. */
  userAgent?: Maybe<Scalars['String']['output']>;
};

/** Why a token was refused, as `errors[].extensions.reason` of `UNAUTHENTICATED` and `INVALID_REFRESH_TOKEN`. */
export const TokenErrorReason = {
  /** An operator has disabled the account. */
  ACCOUNT_DISABLED: 'ACCOUNT_DISABLED',
  /** The session of the token was revoked: by a sign-out, a new password, a replayed refresh token or an operator. */
  SESSION_ENDED: 'SESSION_ENDED',
  /** The token has expired. */
  TOKEN_EXPIRED: 'TOKEN_EXPIRED',
  /** The token was not issued by this server, or was modified. */
  TOKEN_INVALID: 'TOKEN_INVALID',
  /** No token was sent. */
  TOKEN_MISSING: 'TOKEN_MISSING',
  /** The token was issued for another service (`narrowAccessToken`) and is not accepted here. */
  WRONG_AUDIENCE: 'WRONG_AUDIENCE'
} as const;

export type TokenErrorReason = typeof TokenErrorReason[keyof typeof TokenErrorReason];
/** How the refresh token is sent. */
export const TokenTransport = {
  /** In the response body; the client stores it and sends it as an argument. */
  BODY: 'BODY',
  /** In an HttpOnly cookie that scripts cannot read, for browsers. `refreshToken` is null in the response, and no argument is needed to refresh. */
  COOKIE: 'COOKIE'
} as const;

export type TokenTransport = typeof TokenTransport[keyof typeof TokenTransport];
/** A user. Users see only themselves. */
export type User = {
  /** When the account was created. */
  createdAt: Scalars['DateTime']['output'];
  /** The e-mail address in normal form: trimmed, lower case. Null if no provider reported one. */
  email?: Maybe<Scalars['String']['output']>;
  /** Whether it has been verified that the e-mail address belongs to the user. */
  emailVerified: Scalars['Boolean']['output'];
  /** The audit trail of this account, the newest events first. */
  events: EventConnection;
  /** Whether the user can sign in with a password. */
  hasPassword: Scalars['Boolean']['output'];
  /** Stable and never reused; the `sub` claim of access tokens. */
  id: Scalars['ID']['output'];
  /** The accounts at providers that the user can sign in with. */
  identities: Array<Identity>;
  /** The name to display for the user. */
  name?: Maybe<Scalars['String']['output']>;
  /** When a password that an operator set expires, unless `changePassword` replaces it before. Null for a password that the user chose. */
  passwordExpiresAt?: Maybe<Scalars['DateTime']['output']>;
  /** The roles of the user, as of this request. */
  roles: Array<Role>;
  /** The active sessions of the user, the most recently used first. At most 100. */
  sessions: Array<Session>;
};


/** A user. Users see only themselves. */
export type UserEventsArgs = {
  after?: InputMaybe<Scalars['String']['input']>;
  first?: Scalars['Int']['input'];
};
