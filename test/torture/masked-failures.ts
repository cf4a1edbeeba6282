/** How failures of the database are told: as a masked 503 that may be tried again, and nothing more. */
import type { Answer, Client } from '../support/client.ts'

/** Words of engines, drivers and systems. */
const unmasked = /sqlite|postgres|kysely|mikro|disk|i\/o|connection|econn|terminat|timeout/i

export class MaskedFailures {
  count = 0
  readonly violations: string[] = []

  /** The same client, every response looked at. */
  watch(client: Client): Client {
    return {
      ...client,
      send: async (...request) => this.#look(await client.send(...request)),
      as: (token) => ({
        send: async (...request) => this.#look(await client.as(token).send(...request)),
      }),
      login: async (...request) => this.#look(await client.login(...request)),
      refresh: async (...request) => this.#look(await client.refresh(...request)),
    }
  }

  #look(answer: Answer): Answer {
    if (answer.code !== 'INTERNAL_SERVER_ERROR') return answer
    this.count += 1
    if (answer.status !== 503 || answer.errors!.some(({ message }) => unmasked.test(message))) {
      this.violations.push(`a failure is told as ${answer.status} ${answer.text}`)
    }
    return answer
  }
}
