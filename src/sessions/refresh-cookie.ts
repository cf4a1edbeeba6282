/** What the door needs of a cookie; HTTP gives it, with its own rules on who may use it. */
export interface RefreshCookie {
  /** The token that the browser sent; undefined also where the request may not use it. */
  read(): string | undefined
  write(refreshToken: string, lifetimeSeconds: number): void
  clear(): void
}
