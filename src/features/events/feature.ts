import type { Feature } from '../../feature.ts'
import { EventResolver } from './event.resolver.ts'

/** The audit trail of one's own account. */
export const eventsFeature: Feature = { name: 'events', resolvers: [EventResolver] }
