/** From the operator's settings to a provider's facts. A new provider adds its line here. */
import { apple } from './apple.ts'
import { discord } from './discord.ts'
import { facebook } from './facebook.ts'
import { github } from './github.ts'
import { gitlab } from './gitlab.ts'
import { google } from './google.ts'
import { microsoft } from './microsoft.ts'
import { openid } from './openid.ts'
import type { ProviderFacts } from './provider-facts.ts'
import type { ProviderSettings } from '../config.providers.ts'

export function factsOf(settings: ProviderSettings): ProviderFacts {
  switch (settings.kind) {
    case 'google':
      return google()
    case 'microsoft':
      return microsoft(settings.tenant ?? 'common')
    case 'apple':
      return apple()
    case 'gitlab':
      return gitlab(settings.url)
    case 'github':
      return github(settings.url)
    case 'facebook':
      return facebook()
    case 'discord':
      return discord()
    case 'openid':
      return openid(settings.label ?? settings.id, settings.url!, settings.attestsEmail)
  }
}
