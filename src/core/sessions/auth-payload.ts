/** What a sign-in or a refresh returns. */
import type { UserProfile } from '../users/user-profile.ts'

export interface AuthPayload {
  readonly accessToken: string
  readonly tokenType: 'Bearer'
  /** Seconds until the access token expires. */
  readonly expiresIn: number
  /** Null if it is in the cookie. */
  readonly refreshToken: string | null
  /** Seconds until the session ends unless it is refreshed before. */
  readonly refreshExpiresIn: number
  readonly user: UserProfile
}
