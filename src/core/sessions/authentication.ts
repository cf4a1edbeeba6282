/** What a request says of its client and its user, and how long a session lasts. */

/** Where a request comes from, as far as it is known. */
export interface RequestOrigin {
  readonly ip: string | undefined
  readonly userAgent: string | undefined
}

export interface SessionReference {
  readonly userId: string
  readonly sessionId: string
}

/** How a user proves who they are. */
export interface AuthenticationMethod {
  /** `password` or a provider's id. */
  readonly method: string
  /** The values of RFC 8176 that apply, for the `amr` claim. */
  readonly amr: readonly string[]
}

/** A user has just proved who they are. */
export interface Proof extends AuthenticationMethod {
  readonly userId: string
  /** As it was when the proof was checked: a sign-in that saw an older one is refused. */
  readonly credentialVersion: number
}

export interface SessionPolicy {
  /** A session ends when it was not refreshed for this long. */
  readonly idleLifetimeSeconds: number
  /** A session ends at this age in any case. */
  readonly maxLifetimeSeconds: number
  /** For this long a replaced refresh token still gets the same successor. */
  readonly graceSeconds: number
}
