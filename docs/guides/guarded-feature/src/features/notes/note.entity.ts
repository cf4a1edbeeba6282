/** A note, as stored. */
import { defineEntity, p } from '@mikro-orm/core'

const NoteSchema = defineEntity({
  name: 'Note',
  tableName: 'notes',
  indexes: [{ properties: ['authorId', 'createdAt'] }],
  properties: {
    id: p.uuid().primary(),
    /** The account's id. The foreign key is in the migration, so that this entity does not import that of users. */
    authorId: p.uuid(),
    text: p.text(),
    createdAt: p.bigint('number'),
  },
})

export class Note extends NoteSchema.class {}
NoteSchema.setClass(Note)
