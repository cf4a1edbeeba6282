/** The rule that a variable's text breaks, to be read after the variable's name. It never contains the text. */
export class Problem extends Error {
  override name = 'Problem'
}
