/** An id that no other tab has. `crypto.randomUUID` is missing if a page was loaded over plain http. */
export function randomId(): string {
  return crypto.getRandomValues(new Uint32Array(4)).join('-')
}
