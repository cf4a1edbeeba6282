/** What the operator has set, as the server writes it into the head of the page. */

export interface Configuration {
  readonly brandName: string
  /** The address of the operator's logo, if there is one. */
  readonly brandLogo: string | undefined
  readonly isRegistrationOpen: boolean
}

function read(name: string): string | undefined {
  return document.querySelector<HTMLMetaElement>(`meta[name="${name}"]`)?.content
}

export const configuration: Configuration = {
  brandName: read('brand-name') ?? 'Latchkey',
  brandLogo: read('brand-logo'),
  isRegistrationOpen: read('registration') !== 'closed',
}
