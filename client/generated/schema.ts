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

/** What a sign-in or a refresh answers. */
export type AuthPayload = {
  /** A JWT (RFC 9068) for the `Authorization` header. Other services verify it with /.well-known/jwks.json. */
  accessToken: Scalars['String']['output'];
  /** Seconds until the access token expires. */
  expiresIn: Scalars['Int']['output'];
  /** Seconds until the session ends if it is not refreshed before. */
  refreshExpiresIn: Scalars['Int']['output'];
  /** Gets the next pair of tokens, once. Null with transport COOKIE. */
  refreshToken?: Maybe<Scalars['String']['output']>;
  /** Always `Bearer`. */
  tokenType: Scalars['String']['output'];
  /** Who signed in. */
  user: User;
};

/** Why a request failed, as `errors[].extensions.code`. GraphQL's own codes, such as `GRAPHQL_VALIDATION_FAILED`, may occur beside these. */
export const ErrorCode = {
  /** An argument breaks a rule; `field` names it. */
  BAD_USER_INPUT: 'BAD_USER_INPUT',
  /** There is an account with this e-mail address. */
  EMAIL_TAKEN: 'EMAIL_TAKEN',
  /** Signed in, but without the role that this needs; the account at the provider is not the one that is linked; or registration is closed. */
  FORBIDDEN: 'FORBIDDEN',
  /** Something else; the log has it under `requestId`. */
  INTERNAL_SERVER_ERROR: 'INTERNAL_SERVER_ERROR',
  /** Wrong e-mail or password. Which of the two is not said. */
  INVALID_CREDENTIALS: 'INVALID_CREDENTIALS',
  /** The provider sign-in is not this client's, was used before, has expired, or its state differs. */
  INVALID_FLOW: 'INVALID_FLOW',
  /** The refresh token is unknown, malformed or expired, or its session has ended; `reason` says which. */
  INVALID_REFRESH_TOKEN: 'INVALID_REFRESH_TOKEN',
  /** Removing it would leave no way to sign in. */
  LAST_CREDENTIAL: 'LAST_CREDENTIAL',
  /** The provider's e-mail address belongs to an account that this sign-in may not take over. */
  LINK_REQUIRED: 'LINK_REQUIRED',
  /** The request body is too large. */
  PAYLOAD_TOO_LARGE: 'PAYLOAD_TOO_LARGE',
  /** The provider refused or misbehaved. */
  PROVIDER_ERROR: 'PROVIDER_ERROR',
  /** The operation exceeds a limit: tokens, depth, aliases, directives or cost. */
  QUERY_TOO_COMPLEX: 'QUERY_TOO_COMPLEX',
  /** Too many attempts; `retryAfter` says for how many seconds. */
  RATE_LIMITED: 'RATE_LIMITED',
  /** Signed in, but the last proof of it is too old for this: prove it again by `reauthenticate` or `reauthenticateWithProvider`, then send the same once more. `maxAge` says how many seconds old the proof may be, `methods` how it can be given: `password`, or ids of providers. */
  REAUTHENTICATION_REQUIRED: 'REAUTHENTICATION_REQUIRED',
  /** An old refresh token came back; its session is ended. */
  REFRESH_TOKEN_REUSED: 'REFRESH_TOKEN_REUSED',
  /** A guarded field without a good access token; `reason` says what is wrong with it. */
  UNAUTHENTICATED: 'UNAUTHENTICATED',
  /** The server has no provider of this id. */
  UNKNOWN_PROVIDER: 'UNKNOWN_PROVIDER'
} as const;

export type ErrorCode = typeof ErrorCode[keyof typeof ErrorCode];
/** Something that happened to an account. */
export type Event = {
  /** Who brought it about. */
  actor: EventActor;
  /** Names the event. */
  id: Scalars['ID']['output'];
  /** From which address. */
  ip?: Maybe<Scalars['String']['output']>;
  /** With what: `password` or a provider's id. */
  method?: Maybe<Scalars['String']['output']>;
  /** When it happened. */
  occurredAt: Scalars['DateTime']['output'];
  /** Whether it was refused. */
  outcome: EventOutcome;
  /** Why it failed, or how a session came to its end. */
  reason?: Maybe<EventReason>;
  /** The role that was granted or revoked. */
  role?: Maybe<Role>;
  /** The session that it is about, or that brought it about. */
  sessionId?: Maybe<Scalars['ID']['output']>;
  /** How many sessions it ended. */
  sessionsEnded?: Maybe<Scalars['Int']['output']>;
  /** What happened. */
  type: EventType;
  /** The `User-Agent` of the request, at most 512 characters. */
  userAgent?: Maybe<Scalars['String']['output']>;
};

/** Who brought something about. */
export const EventActor = {
  /** Somebody who is signed in to the account, or just did so. */
  ACCOUNT: 'ACCOUNT',
  /** Somebody who has not shown that the account is theirs. */
  ANONYMOUS: 'ANONYMOUS',
  /** Whoever runs the server. */
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

/** An event in its place on a page. */
export type EventEdge = {
  /** For `after`, to go on behind this event. */
  cursor: Scalars['String']['output'];
  /** The event. */
  node: Event;
};

/** Whether what somebody wanted came about. */
export const EventOutcome = {
  /** It was refused. */
  FAILURE: 'FAILURE',
  /** It did. */
  SUCCESS: 'SUCCESS'
} as const;

export type EventOutcome = typeof EventOutcome[keyof typeof EventOutcome];
/** Why a sign-in or a link failed, or a session ended. There may be more of them in a later version. */
export const EventReason = {
  /** The proof was good, but the account is disabled. */
  ACCOUNT_DISABLED: 'ACCOUNT_DISABLED',
  /** The token came back at once, from another network and another `User-Agent`. */
  ANOTHER_ORIGIN: 'ANOTHER_ORIGIN',
  /** They were changed while the proof was checked. */
  CREDENTIALS_CHANGED: 'CREDENTIALS_CHANGED',
  /** The account at the provider is linked to another account here. */
  LINKED_TO_ANOTHER: 'LINKED_TO_ANOTHER',
  /** The account has the address of the one at the provider, but that one is not linked to it. */
  LINK_REQUIRED: 'LINK_REQUIRED',
  /** By `logout`, this session. */
  LOGOUT: 'LOGOUT',
  /** By `logout`, all sessions. */
  LOGOUT_ALL: 'LOGOUT_ALL',
  /** By `logout`, all sessions but this one. */
  LOGOUT_OTHERS: 'LOGOUT_OTHERS',
  /** The account has no password. */
  NO_PASSWORD: 'NO_PASSWORD',
  /** The account at the provider is not the one that is linked to this account. */
  OTHER_IDENTITY: 'OTHER_IDENTITY',
  /** The password was set by an operator and not changed in time. */
  PASSWORD_EXPIRED: 'PASSWORD_EXPIRED',
  /** The provider refused or misbehaved. */
  PROVIDER_ERROR: 'PROVIDER_ERROR',
  /** It would have made an account. */
  REGISTRATION_CLOSED: 'REGISTRATION_CLOSED',
  /** By another sign-in in the same browser, with transport COOKIE. */
  REPLACED: 'REPLACED',
  /** By `revokeSession`. */
  REVOKED: 'REVOKED',
  /** A new one needed the room. */
  TOO_MANY_SESSIONS: 'TOO_MANY_SESSIONS',
  /** There is no account with the address. */
  UNKNOWN_ACCOUNT: 'UNKNOWN_ACCOUNT',
  /** The password was wrong. */
  WRONG_PASSWORD: 'WRONG_PASSWORD'
} as const;

export type EventReason = typeof EventReason[keyof typeof EventReason];
/** What happened. There may be more of them in a later version. */
export const EventType = {
  /** By signing up, by a first sign-in, or by an operator. */
  ACCOUNT_CREATED: 'ACCOUNT_CREATED',
  /** By an operator. */
  ACCOUNT_DELETED: 'ACCOUNT_DELETED',
  /** By an operator. */
  ACCOUNT_DISABLED: 'ACCOUNT_DISABLED',
  /** By an operator, with no session left. */
  ACCOUNT_ENABLED: 'ACCOUNT_ENABLED',
  /** The owner of the e-mail address signed in with a provider that attests it. The address had never been verified, so the password, sessions and linked providers from before were removed. */
  ACCOUNT_RECLAIMED: 'ACCOUNT_RECLAIMED',
  /** By an operator; of no account. */
  DATABASE_BACKED_UP: 'DATABASE_BACKED_UP',
  /** By an operator, and every session was ended; of no account. */
  DATABASE_RESTORED: 'DATABASE_RESTORED',
  /** A linked provider attests that the e-mail address belongs to the user. */
  EMAIL_VERIFIED: 'EMAIL_VERIFIED',
  /** By an operator, and every session was ended; of no account. */
  KEYS_RESET: 'KEYS_RESET',
  /** By an operator; of no account. */
  KEYS_ROTATED: 'KEYS_ROTATED',
  /** And the other sessions were ended; if by an operator, every session. */
  PASSWORD_CHANGED: 'PASSWORD_CHANGED',
  /** The current password was wrong. */
  PASSWORD_CHANGE_FAILED: 'PASSWORD_CHANGE_FAILED',
  /** By an operator, and every session was ended. */
  PASSWORD_REMOVED: 'PASSWORD_REMOVED',
  /** The first password of the account. */
  PASSWORD_SET: 'PASSWORD_SET',
  /** The account can be signed in to with the provider. */
  PROVIDER_LINKED: 'PROVIDER_LINKED',
  /** A link was refused; `reason` says why. */
  PROVIDER_LINK_FAILED: 'PROVIDER_LINK_FAILED',
  /** And no more; other sessions that it began were ended. */
  PROVIDER_UNLINKED: 'PROVIDER_UNLINKED',
  /** The user of a session proved again who they are; `method` says how. */
  REAUTHENTICATED: 'REAUTHENTICATED',
  /** Such a proof was refused; `reason` says why. */
  REAUTHENTICATION_FAILED: 'REAUTHENTICATION_FAILED',
  /** A refresh token was used twice within the grace window, the second time from another network or with another `User-Agent`: it may have been copied. The session goes on. */
  REFRESH_TOKEN_REPEATED: 'REFRESH_TOKEN_REPEATED',
  /** An old refresh token came back: somebody may have copied it. The session was ended. */
  REFRESH_TOKEN_REUSED: 'REFRESH_TOKEN_REUSED',
  /** By an operator. */
  ROLE_GRANTED: 'ROLE_GRANTED',
  /** By an operator. */
  ROLE_REVOKED: 'ROLE_REVOKED',
  /** One session or several were ended; `reason` says how. */
  SESSION_ENDED: 'SESSION_ENDED',
  /** A session was begun. */
  SIGNED_IN: 'SIGNED_IN',
  /** A sign-in was refused; `reason` says why. */
  SIGN_IN_FAILED: 'SIGN_IN_FAILED'
} as const;

export type EventType = typeof EventType[keyof typeof EventType];
/** An account at a provider with which the person can sign in. */
export type Identity = {
  /** The address that the provider gave when it was last used, if any. */
  email?: Maybe<Scalars['String']['output']>;
  /** When it was linked to this account. */
  linkedAt: Scalars['DateTime']['output'];
  /** The provider's id, as in `Query.providers`. */
  provider: Scalars['String']['output'];
};

/** Which sessions to end. */
export const LogoutScope = {
  /** All of the person. */
  ALL: 'ALL',
  /** All of the person but the one that the access token names. */
  OTHERS: 'OTHERS',
  /** The one that the request names. */
  THIS: 'THIS'
} as const;

export type LogoutScope = typeof LogoutScope[keyof typeof LogoutScope];
export type Mutation = {
  /** Begins a sign-in with a provider: OAuth 2.0 authorization code with PKCE. Send the user to `authorizationUrl`; they come back to `redirectUri` with a code. Called with an access token, the flow can also link the account (`linkProvider`). */
  beginProviderLogin: ProviderFlow;
  /** Changes my password, or sets the first one, and ends my other sessions. The tokens of this session are replaced; the new refresh token travels as the old one did. Setting the first one, or replacing one of an operator that has expired, fails with `REAUTHENTICATION_REQUIRED` if I have not proved in the last 5 minutes who I am. */
  changePassword: AuthPayload;
  /** Links the account of a provider to mine, with a flow that I began while signed in. Linking it again changes nothing. */
  linkProvider: User;
  /** Signs in with a password. Fails with `INVALID_CREDENTIALS` whatever was wrong, and with `RATE_LIMITED` after too many failures, or while too many others are waiting. */
  login: AuthPayload;
  /** Signs in with the response of a provider; the first time it creates an account. A flow can be used once. If the provider attests the e-mail address and an account has it, the sign-in joins that account, or takes it over if its address was never verified. Any other account with the address is an error: `LINK_REQUIRED`. */
  loginWithProvider: AuthPayload;
  /** Ends sessions. `THIS` takes the access token (an expired one too), the cookie or the argument, and is true however often it is called; `OTHERS` and `ALL` need a live access token. */
  logout: Scalars['Boolean']['output'];
  /** Issues an access token for other services alone, to hand it to one of them. It opens nothing here, cannot be refreshed or widened, and expires no later than the access token that it is asked for with. */
  narrowAccessToken: NarrowedToken;
  /** Proves with my password that it is still me, for fields that need a recent proof (`@requiresFresh`). The session stays the same; its tokens are replaced, and the new refresh token travels as the old one did. Fails with `INVALID_CREDENTIALS`, and with `RATE_LIMITED` as `login` does. */
  reauthenticate: AuthPayload;
  /** Proves with an account of a provider that is linked to mine that it is still me, for fields that need a recent proof (`@requiresFresh`). Takes a flow that I began while signed in, with the purpose `REAUTHENTICATE`. The session stays the same; its tokens are replaced, and the new refresh token travels as the old one did. Fails with `FORBIDDEN` if another account of the provider comes back. */
  reauthenticateWithProvider: AuthPayload;
  /** Exchanges a refresh token for the next pair of tokens. Within the grace window a replaced token gets the same successor again; an older one ends the session with `REFRESH_TOKEN_REUSED`. */
  refreshToken: AuthPayload;
  /** Makes an account and signs it in. Fails with `EMAIL_TAKEN` where the address has one, `BAD_USER_INPUT` where an argument breaks a rule. */
  register: AuthPayload;
  /** Ends one of my sessions. False where I have none of that id. */
  revokeSession: Scalars['Boolean']['output'];
  /** Unlinks the provider from my account and ends my other sessions that it began. Fails with `LAST_CREDENTIAL` where it is the only way to sign in. */
  unlinkProvider: User;
  /** Changes what my account says of me. An argument that is left out changes nothing. */
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

/** An access token for other services, which opens nothing here. */
export type NarrowedToken = {
  /** A JWT (RFC 9068) for those services alone. */
  accessToken: Scalars['String']['output'];
  /** Its `aud` claim. */
  audiences: Array<Scalars['String']['output']>;
  /** Seconds until it expires. It cannot be refreshed. */
  expiresIn: Scalars['Int']['output'];
  /** Always `Bearer`. */
  tokenType: Scalars['String']['output'];
};

/** Where a page lies among the others. */
export type PageInfo = {
  /** The cursor of the last, if any: `after` of the next page. */
  endCursor?: Maybe<Scalars['String']['output']>;
  /** Whether something older follows. */
  hasNextPage: Scalars['Boolean']['output'];
  /** Always false: pages are walked one way. */
  hasPreviousPage: Scalars['Boolean']['output'];
  /** The cursor of the first, if any. */
  startCursor?: Maybe<Scalars['String']['output']>;
};

/** A way to sign in with an account from elsewhere. */
export type Provider = {
  /** What other fields take as `provider`, for example `google`. */
  id: Scalars['ID']['output'];
  /** What to write on the button, for example `Google`. */
  name: Scalars['String']['output'];
};

/** A sign-in with a provider that has begun. */
export type ProviderFlow = {
  /** Where to send the person. */
  authorizationUrl: Scalars['String']['output'];
  /** When the flow is forgotten: after ten minutes. */
  expiresAt: Scalars['DateTime']['output'];
  /** Proves, together with `state`, that the answer belongs to the client that began. Keep it until the person comes back, and show it to nobody. */
  flowToken: Scalars['String']['output'];
};

/** What a flow with a provider is good for. */
export const ProviderFlowPurpose = {
  /** For `reauthenticateWithProvider`: the provider is asked to authenticate the user again. Needs an access token, and a provider that is linked to the account. */
  REAUTHENTICATE: 'REAUTHENTICATE',
  /** For `loginWithProvider`, and for `linkProvider` if begun with an access token. */
  SIGN_IN: 'SIGN_IN'
} as const;

export type ProviderFlowPurpose = typeof ProviderFlowPurpose[keyof typeof ProviderFlowPurpose];
/** A token for the provider's own API. */
export type ProviderToken = {
  /** For the provider's API; not for this one. */
  accessToken: Scalars['String']['output'];
  /** When it expires; null where the provider did not say. */
  expiresAt?: Maybe<Scalars['DateTime']['output']>;
  /** What the person has agreed to. */
  scopes: Array<Scalars['String']['output']>;
};

export type Query = {
  /** The person whom the access token names. */
  me: User;
  /** Greets whoever is signed in. */
  protected: Scalars['String']['output'];
  /** A token for the provider's own API, renewed where it has expired. Only where the operator keeps tokens (`<PROVIDER>_KEEP_TOKENS`). */
  providerToken: ProviderToken;
  /** The sign-in buttons to show: the providers that this server is configured for. */
  providers: Array<Provider>;
};


export type QueryProviderTokenArgs = {
  provider: Scalars['String']['input'];
};

/** What a person may do. */
export const Role = {
  /** Granted by an operator; opens fields marked `@requiresRole(roles: [ADMIN])`. */
  ADMIN: 'ADMIN',
  /** Everybody who has an account. */
  USER: 'USER'
} as const;

export type Role = typeof Role[keyof typeof Role];
/** A sign-in that is still alive: one device, one browser. */
export type Session = {
  /** When the person signed in. */
  createdAt: Scalars['DateTime']['output'];
  /** Whether it is the session of this request. */
  current: Scalars['Boolean']['output'];
  /** When it ends if it was not refreshed since `lastUsedAt`. */
  expiresAt: Scalars['DateTime']['output'];
  /** Names the session for `revokeSession`; the `sid` claim. Not a credential. */
  id: Scalars['ID']['output'];
  /** The address of the last sign-in or refresh. */
  ip?: Maybe<Scalars['String']['output']>;
  /** When it was last refreshed, or begun, to the hour. It changes at full hours only: it does not tell the moment. */
  lastUsedAt: Scalars['DateTime']['output'];
  /** How the person signed in: `password` or a provider's id. */
  method: Scalars['String']['output'];
  /** The `User-Agent` of the last sign-in or refresh, at most 512 characters. */
  userAgent?: Maybe<Scalars['String']['output']>;
};

/** What is wrong with a token, as `errors[].extensions.reason` of `UNAUTHENTICATED` and `INVALID_REFRESH_TOKEN`. */
export const TokenErrorReason = {
  /** An operator has disabled the account. */
  ACCOUNT_DISABLED: 'ACCOUNT_DISABLED',
  /** Its session was ended: by a sign-out, a new password, a replayed refresh token, an operator. */
  SESSION_ENDED: 'SESSION_ENDED',
  /** It was good, and its time is over. */
  TOKEN_EXPIRED: 'TOKEN_EXPIRED',
  /** It is not one of ours, or was changed. */
  TOKEN_INVALID: 'TOKEN_INVALID',
  /** There is none. */
  TOKEN_MISSING: 'TOKEN_MISSING',
  /** It was issued for another service (`narrowAccessToken`), and opens nothing here. */
  WRONG_AUDIENCE: 'WRONG_AUDIENCE'
} as const;

export type TokenErrorReason = typeof TokenErrorReason[keyof typeof TokenErrorReason];
/** How the refresh token travels. */
export const TokenTransport = {
  /** In the answer; the client keeps it and sends it as an argument. */
  BODY: 'BODY',
  /** In an HttpOnly cookie that scripts cannot read; `refreshToken` is null in the answer and needs no argument afterwards. For browsers. */
  COOKIE: 'COOKIE'
} as const;

export type TokenTransport = typeof TokenTransport[keyof typeof TokenTransport];
/** A person with an account. People see only themselves. */
export type User = {
  /** When the account was made. */
  createdAt: Scalars['DateTime']['output'];
  /** In normal form: trimmed, lower case. Null where no provider gave one. */
  email?: Maybe<Scalars['String']['output']>;
  /** Whether it has been proven that the address belongs to the person. */
  emailVerified: Scalars['Boolean']['output'];
  /** What happened to this account, the newest first. */
  events: EventConnection;
  /** Whether the person can sign in with a password. */
  hasPassword: Scalars['Boolean']['output'];
  /** Stable and never reused; the `sub` claim of access tokens. */
  id: Scalars['ID']['output'];
  /** The provider accounts with which the person can sign in. */
  identities: Array<Identity>;
  /** What the person wants to be called. */
  name?: Maybe<Scalars['String']['output']>;
  /** When a password that an operator set stops working, unless `changePassword` replaces it before. Null for a password that the user chose. */
  passwordExpiresAt?: Maybe<Scalars['DateTime']['output']>;
  /** What the person may do, as of this request. */
  roles: Array<Role>;
  /** The sessions that are still alive, the one used last first. At most 100. */
  sessions: Array<Session>;
};


/** A person with an account. People see only themselves. */
export type UserEventsArgs = {
  after?: InputMaybe<Scalars['String']['input']>;
  first?: Scalars['Int']['input'];
};
