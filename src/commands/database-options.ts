import { databaseOptionsOf } from '../feature.ts'
import { features } from '../features.ts'

/** The entities and migrations of this server's features. */
export const databaseOptions = databaseOptionsOf(features)
