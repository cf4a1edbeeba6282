/** Decides what `@Authorized` asks: type-graphql calls it before the field's resolver. */
import type { AuthChecker } from 'type-graphql'
import type { Context } from '../context.ts'
import { AppError, ErrorCode, type TokenErrorReason } from '../core/errors.ts'
import type { Role } from '../core/users/role.ts'
import type { Authenticated, Viewer } from '../core/sessions/viewer.ts'

const messages: Record<TokenErrorReason, string> = {
  TOKEN_MISSING: 'Sign in: this field needs an access token.',
  TOKEN_INVALID: 'The access token is not valid.',
  TOKEN_EXPIRED: 'The access token has expired. Refresh it.',
  WRONG_AUDIENCE: 'The access token is for another service, not for this server.',
  SESSION_ENDED: 'The session has ended. Sign in again.',
  ACCOUNT_DISABLED: 'This account is disabled.',
}

/** @throws AppError UNAUTHENTICATED with the reason */
export function requireAuthenticated(viewer: Viewer): Authenticated {
  if (viewer.isAuthenticated) return viewer
  throw new AppError(ErrorCode.UNAUTHENTICATED, messages[viewer.reason], { reason: viewer.reason })
}

/** @throws AppError UNAUTHENTICATED, FORBIDDEN without any of the roles, if some are given */
export function requireRole(viewer: Viewer, roles: readonly Role[]): void {
  const { user } = requireAuthenticated(viewer)
  if (roles.length > 0 && !roles.some((role) => user.roles.includes(role))) {
    throw new AppError(ErrorCode.FORBIDDEN, 'This field needs a role that you do not have.')
  }
}

// An arrow: type-graphql takes a `function` declaration for a class.
export const authChecker: AuthChecker<Context, Role> = ({ context }, roles) => {
  requireRole(context.viewer, roles)
  return true
}
