import type { Feature } from '../../feature.ts'
import { ProtectedResolver } from './protected.resolver.ts'

/** The smallest guarded feature: one field. */
export const demoFeature: Feature = { name: 'demo', resolvers: [ProtectedResolver] }
