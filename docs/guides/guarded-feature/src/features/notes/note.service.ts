/** Writes, reads and deletes the notes of a user. */
import { randomUUID } from 'node:crypto'
import type { SqlEntityManager } from '@mikro-orm/sqlite'
import { badUserInput } from '../../core/errors.ts'
import { Note } from './note.entity.ts'

/** `Query.notes` returns at most this many. */
const listedNotes = 100
const textCharacters = 2000
const uuid = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i

export class NoteService {
  readonly #em: SqlEntityManager
  readonly #clock: () => number

  constructor(em: SqlEntityManager, clock: () => number) {
    this.#em = em
    this.#clock = clock
  }

  /** A user's notes, the newest first. */
  async list(authorId: string): Promise<Note[]> {
    return this.#em.find(
      Note,
      { authorId },
      { orderBy: { createdAt: 'desc', id: 'asc' }, limit: listedNotes },
    )
  }

  /** @throws AppError BAD_USER_INPUT */
  async write(authorId: string, text: string): Promise<Note> {
    const note = this.#em.create(Note, {
      id: randomUUID(),
      authorId,
      text: checkText(text),
      createdAt: this.#clock(),
    })
    await this.#em.persist(note).flush()
    return note
  }

  /** @returns whether there was one; another user's note is not found */
  async delete(authorId: string, id: string): Promise<boolean> {
    // PostgreSQL fails if the text is not a UUID.
    if (!uuid.test(id)) return false
    return (await this.#em.nativeDelete(Note, { id, authorId })) > 0
  }

  /** The number of notes of all users. */
  async count(): Promise<number> {
    return this.#em.count(Note)
  }
}

function checkText(text: string): string {
  const trimmed = text.trim()
  // PostgreSQL can store neither NUL nor half a surrogate pair.
  const isStorable = trimmed.isWellFormed() && !trimmed.includes('\0')
  // `length` would count UTF-16 units: most emoji twice.
  if (trimmed === '' || Array.from(trimmed).length > textCharacters || !isStorable) {
    throw badUserInput('text', `A note has 1 to ${textCharacters} characters.`)
  }
  return trimmed
}
