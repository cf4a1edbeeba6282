/** What a person may be granted. */

/** `USER` is everybody; `ADMIN` is granted by an operator (`npm run user -- grant`). */
export enum Role {
  USER = 'USER',
  ADMIN = 'ADMIN',
}
