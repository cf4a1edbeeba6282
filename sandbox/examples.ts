/** What the server writes into both pages: the example operations, and where to send them. */

export interface Examples {
  /** Operations, to be run one by one. */
  readonly document: string
  /** For all of the operations together. */
  readonly variables: Readonly<Record<string, unknown>>
}

export function readExamples(): Examples {
  return JSON.parse(document.querySelector('#examples')?.textContent ?? '') as Examples
}

export const endpoint = new URL('/graphql', location.href).href

/** The place for the token. As it stands it names none, and what is not guarded works. */
export const tokenHeader = { authorization: 'Bearer ' }
