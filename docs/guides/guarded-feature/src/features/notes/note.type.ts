/** A note, as the API shows it. */
import { GraphQLDateTime } from 'graphql-scalars'
import { Field, ID, ObjectType } from 'type-graphql'
import type { Note } from './note.entity.ts'

@ObjectType('Note', { description: 'A note. Users see only their own notes.' })
export class NoteType {
  @Field(() => ID, { description: 'The argument of `deleteNote`.' })
  id!: string

  @Field(() => String, { description: 'The text, without white space around it.' })
  text!: string

  @Field(() => GraphQLDateTime, { description: 'When the note was written.' })
  createdAt!: Date
}

export function toNoteType({ id, text, createdAt }: Note): NoteType {
  return { id, text, createdAt: new Date(createdAt) }
}
