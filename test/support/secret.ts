/** Not a secret: it signs nothing outside the tests. */
export const testAppSecret = 'a secret that only the tests of this repository use'
