/** Access tokens for other services, which open nothing here (docs/adr/0033). */
import { badUserInput } from '../errors.ts'
import type { AccessTokens, VerifiedToken } from '../tokens/access-token.ts'

export interface NarrowedToken {
  readonly accessToken: string
  readonly tokenType: 'Bearer'
  /** Seconds. */
  readonly expiresIn: number
  readonly audiences: string[]
}

export interface TokenHolder {
  readonly user: { readonly roles: readonly string[] }
  readonly token: VerifiedToken
  /** When the session ends, however often it is refreshed: the idle end shows when it last was. */
  readonly sessionEndsAt: number
}

/**
 * Issues a token for some of the other services. It says of its user what the token says that it
 * is asked for with, and expires no later than that one or the session: it is no way to stay longer.
 * @throws AppError BAD_USER_INPUT
 */
export async function narrowToken(
  { sessionEndsAt, token, user }: TokenHolder,
  wanted: readonly string[],
  { accessTokens, clock }: { accessTokens: AccessTokens; clock: () => number },
): Promise<NarrowedToken> {
  const audiences = [...new Set(wanted)]
  if (audiences.length === 0) throw badUserInput('audiences', 'Name at least one audience.')
  const known = new Set(accessTokens.otherAudiences)
  if (!audiences.every((audience) => known.has(audience))) {
    // Without what was sent: it may be a secret in the wrong place.
    throw badUserInput(
      'audiences',
      'This server issues no tokens for at least one of these audiences.',
    )
  }
  const lifetimeSeconds = accessTokens.lifetimeSeconds
  const now = Math.floor(clock() / 1000)
  const exp = Math.min(now + lifetimeSeconds, token.exp, Math.floor(sessionEndsAt / 1000))
  const accessToken = await accessTokens.issue(
    {
      sub: token.sub,
      sid: token.sid,
      roles: user.roles,
      ...(token.authTime > 0 && { auth_time: token.authTime }),
      ...(token.amr && { amr: token.amr }),
    },
    await accessTokens.signingKey(),
    { audiences, exp },
  )
  return { accessToken, tokenType: 'Bearer', expiresIn: Math.max(0, exp - now), audiences }
}
