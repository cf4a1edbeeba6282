/** The roles that a user may have. */

/** Every user has `USER`; `ADMIN` is granted by an operator (`npm run user -- grant`). */
export enum Role {
  USER = 'USER',
  ADMIN = 'ADMIN',
}
