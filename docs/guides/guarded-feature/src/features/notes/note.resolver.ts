import { Arg, Ctx, ID, Int, Mutation, Query, Resolver } from 'type-graphql'
import type { Context } from '../../context.ts'
import { Authorized } from '../../graphql/authorized.ts'
import { Role } from '../../core/users/role.ts'
import { requestService } from '../../feature.ts'
import { NoteService } from './note.service.ts'
import { NoteType, toNoteType } from './note.type.ts'

/** Created once for each request that needs it. */
const notes = requestService(({ em, server }: Context) => new NoteService(em, server.clock))

@Resolver()
export class NoteResolver {
  @Authorized()
  @Query(() => [NoteType], { description: 'My notes, the newest first. At most 100.' })
  async notes(@Ctx() context: Context): Promise<NoteType[]> {
    const list = await notes(context).list(context.authenticated().user.id)
    return list.map(toNoteType)
  }

  @Authorized()
  @Mutation(() => NoteType, {
    complexity: 10,
    description: 'Writes a note. Fails with `BAD_USER_INPUT` if the text is empty or too long.',
  })
  async writeNote(
    @Ctx() context: Context,
    @Arg('text', () => String, { description: '1 to 2,000 characters.' }) text: string,
  ): Promise<NoteType> {
    return toNoteType(await notes(context).write(context.authenticated().user.id, text))
  }

  @Authorized()
  @Mutation(() => Boolean, {
    complexity: 10,
    description: 'Deletes one of my notes. Returns false if I have no note with this id.',
  })
  deleteNote(
    @Ctx() context: Context,
    @Arg('id', () => ID, { description: 'As in `Note.id`.' }) id: string,
  ): Promise<boolean> {
    return notes(context).delete(context.authenticated().user.id, id)
  }

  @Authorized(Role.ADMIN)
  @Query(() => Int, { complexity: 10, description: 'The number of notes of all users.' })
  noteCount(@Ctx() context: Context): Promise<number> {
    return notes(context).count()
  }
}
