/** An id that no other tab has. `crypto.randomUUID` is missing where a page came by plain http. */
export function randomId(): string {
  return crypto.getRandomValues(new Uint32Array(4)).join('-')
}
