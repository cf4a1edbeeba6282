/** From the operator's settings to a provider's definition. A new provider adds its line here. */
import { apple } from './apple.ts'
import { discord } from './discord.ts'
import { facebook } from './facebook.ts'
import { github } from './github.ts'
import { gitlab } from './gitlab.ts'
import { google } from './google.ts'
import { microsoft } from './microsoft.ts'
import { openid } from './openid.ts'
import type { ProviderDefinition } from './provider-definition.ts'
import type { ProviderKind, ProviderSettings } from '../../../config/providers.ts'

const catalogue: Record<ProviderKind, (settings: ProviderSettings) => ProviderDefinition> = {
  google,
  microsoft: ({ tenant }) => microsoft(tenant ?? 'common'),
  apple,
  gitlab: ({ url }) => gitlab(url),
  github: ({ url }) => github(url),
  facebook,
  discord,
  openid: ({ id, url, label, trustsEmailVerified }) =>
    openid(label ?? id, url!, trustsEmailVerified),
}

export function definitionOf(settings: ProviderSettings): ProviderDefinition {
  return catalogue[settings.kind](settings)
}
