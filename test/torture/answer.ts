import type { Answer } from '../support/client.ts'

/** Undefined if the server ended, or masked what went wrong: the work may or may not be done. */
export async function answerOf(sent: Promise<Answer>): Promise<Answer | undefined> {
  try {
    const answer = await sent
    return answer.code === 'INTERNAL_SERVER_ERROR' ? undefined : answer
  } catch {
    return undefined
  }
}
