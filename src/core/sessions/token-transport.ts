/** How a refresh token travels to the client and back. */
export enum TokenTransport {
  BODY = 'BODY',
  COOKIE = 'COOKIE',
}
