/** What someone signs in with, in words. */

/**
 * @param method `password`, or a provider's id
 * @param names of providers, by id
 */
export function signInMethodName(method: string, names: ReadonlyMap<string, string>): string {
  return method === 'password' ? 'a password' : (names.get(method) ?? method)
}
