/** The features of this server. A new one gets a line here. */
// Before the first class that type-graphql decorates.
import 'reflect-metadata'
import { accountFeature } from './features/account/feature.ts'
import { accountPageFeature } from './features/account-page/feature.ts'
import { demoFeature } from './features/demo/feature.ts'
import { eventsFeature } from './features/events/feature.ts'
import { passwordsFeature } from './features/passwords/feature.ts'
import { providersFeature } from './features/providers/feature.ts'
import { sandboxFeature } from './features/sandbox/feature.ts'
import type { Feature } from './feature.ts'

export const features: readonly Feature[] = [
  accountFeature,
  passwordsFeature,
  providersFeature,
  eventsFeature,
  accountPageFeature,
  sandboxFeature,
  demoFeature,
]
