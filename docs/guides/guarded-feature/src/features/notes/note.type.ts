/** Notes, as the API shows them. */
import { GraphQLDateTime } from 'graphql-scalars'
import { Field, ID, ObjectType } from 'type-graphql'
import type { Note } from './note.entity.ts'

@ObjectType('Note', { description: 'What a person has written down. People see only their own.' })
export class NoteType {
  @Field(() => ID, { description: 'Names the note for `deleteNote`.' })
  id!: string

  @Field(() => String, { description: 'As it was written, without white space around it.' })
  text!: string

  @Field(() => GraphQLDateTime, { description: 'When it was written.' })
  createdAt!: Date
}

export function toNoteType({ id, text, createdAt }: Note): NoteType {
  return { id, text, createdAt: new Date(createdAt) }
}
