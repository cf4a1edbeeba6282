import { Arg, Ctx, FieldResolver, ID, Mutation, Resolver, Root } from 'type-graphql'
import type { AuthPayload } from '../../core/sessions/auth-payload.ts'
import type { Context } from '../../context.ts'
import { Authorized } from '../../graphql/authorized.ts'
import { UserType } from './user.type.ts'
import { narrowToken, type NarrowedToken } from '../../core/sessions/narrowed-token.ts'
import { AuthPayloadType, LogoutScope, NarrowedTokenType, SessionType } from './session.type.ts'

@Resolver(() => UserType)
export class SessionResolver {
  @Mutation(() => AuthPayloadType, {
    complexity: 20,
    description:
      'Exchanges a refresh token for the next pair of tokens. Within the grace window a replaced token gets the same successor again. Any older token revokes the session and fails with `REFRESH_TOKEN_REUSED`.',
  })
  refreshToken(
    @Ctx() context: Context,
    @Arg('refreshToken', () => String, {
      nullable: true,
      description:
        'If omitted, the token is read from the cookie, and its successor is sent in the cookie.',
    })
    refreshToken?: string | null,
  ): Promise<AuthPayload> {
    return context.sessions.refresh(refreshToken ?? undefined)
  }

  @Mutation(() => Boolean, {
    complexity: 10,
    description:
      'Signs out. `THIS` accepts the access token (even an expired one), the cookie or the argument, and returns true however often it is called; `OTHERS` and `ALL` need a valid access token.',
  })
  async logout(
    @Ctx() context: Context,
    @Arg('scope', () => LogoutScope, {
      defaultValue: LogoutScope.THIS,
      description: 'Which sessions to revoke.',
    })
    scope: LogoutScope,
    @Arg('refreshToken', () => String, {
      nullable: true,
      description: 'Identifies the session if no access token is sent.',
    })
    refreshToken?: string | null,
  ): Promise<boolean> {
    if (scope === LogoutScope.THIS) {
      await context.sessions.revokeCurrent(context.bearerSession(), refreshToken ?? undefined)
    } else {
      const { user, sessionId } = context.authenticated()
      await context.sessions.revokeAll(
        user.id,
        scope === LogoutScope.OTHERS ? sessionId : undefined,
      )
    }
    return true
  }

  @Authorized()
  @Mutation(() => Boolean, {
    complexity: 10,
    description:
      "Revokes one of the user's sessions. Returns false if the user has no session with this id.",
  })
  revokeSession(
    @Ctx() context: Context,
    @Arg('id', () => ID, { description: 'The id of a session, as in `Session.id`.' }) id: string,
  ): Promise<boolean> {
    return context.sessions.revoke({ userId: context.authenticated().user.id, sessionId: id })
  }

  @Authorized()
  @Mutation(() => NarrowedTokenType, {
    complexity: 10,
    description:
      'Issues an access token that only other services accept, so that it can be handed to one of them. This server does not accept it. It cannot be refreshed or widened, and expires no later than the access token of the request.',
  })
  narrowAccessToken(
    @Ctx() context: Context,
    @Arg('audiences', () => [String], {
      description:
        'The services that may accept the token: one or more of the server’s `TOKEN_AUDIENCE`.',
    })
    audiences: string[],
  ): Promise<NarrowedToken> {
    return narrowToken(context.authenticated(), audiences, context.server)
  }

  @FieldResolver(() => [SessionType], {
    complexity: 5,
    description: 'The active sessions of the user, the most recently used first. At most 100.',
  })
  async sessions(@Root() user: UserType, @Ctx() context: Context): Promise<SessionType[]> {
    const sessions = await context.sessions.list(user.id)
    const { issuedSessionId } = context.sessions
    const { viewer } = context
    // In the response to a sign-in it is the new session, not that of the request's access token.
    const isIssued = sessions.some(({ session }) => session.id === issuedSessionId)
    const current = isIssued || !viewer.isAuthenticated ? issuedSessionId : viewer.sessionId
    return sessions.map(({ session, lastUsedAt, expiresAt }) => ({
      id: session.id,
      createdAt: new Date(session.createdAt),
      lastUsedAt: new Date(lastUsedAt),
      expiresAt: new Date(expiresAt),
      userAgent: session.userAgent ?? null,
      ip: session.ip ?? null,
      method: session.method,
      current: session.id === current,
    }))
  }
}
