import type { Feature } from '../../feature.ts'
import { migrations as postgresql } from './migrations-postgresql.ts'
import { migrations as sqlite } from './migrations-sqlite.ts'
import { Note } from './note.entity.ts'
import { NoteResolver } from './note.resolver.ts'

/** Notes that users write, read and delete. */
export const notesFeature: Feature = {
  name: 'notes',
  resolvers: [NoteResolver],
  entities: [Note],
  migrations: { sqlite, postgresql },
}
