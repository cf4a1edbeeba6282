import { inFile, type Mutation } from '../mutation.ts'

const trail = inFile('src/core/audit/audit-trail.ts', [
  'test/api/audit-trail.test.ts',
  'test/api/events.test.ts',
  'test/api/audit-providers.test.ts',
])
const pages = inFile('src/features/events/event.service.ts', ['test/api/events.test.ts'])
const retention = inFile('src/core/audit/retention.ts', ['test/api/audit-retention.test.ts'])
const ids = inFile('src/core/audit/event-id.ts', ['test/unit/event-id.test.ts'])

export const audit: readonly Mutation[] = [
  trail(
    'events are announced before the transaction commits',
    'work(tx, async (event) => void recorded.push(await this.#insert(tx, event)))',
    'work(tx, async (event) => {\n        const inserted = await this.#insert(tx, event)\n        recorded.push(inserted)\n        this.#announce(inserted)\n      })',
    { tests: ['test/api/audit-trail.test.ts'] },
  ),
  trail(
    "a deleted account's client IP and browser are kept",
    'set ip = null, user_agent = null',
    'set ip = ip, user_agent = null',
    {
      tests: ['test/api/audit-operators.test.ts'],
      survives:
        'Accounts are deleted by a command alone, which tests start as a process. With the mistake in the compiled command, the tests that delete one fail.',
    },
  ),
  pages("another user's events are listed", '{ userId, ...(behind', '{ ...(behind'),
  pages('a page has one event too many', 'events.slice(0, first)', 'events'),
  pages(
    'a last page claims that another follows',
    'events.length > first',
    'events.length >= first',
  ),
  pages('a page may have any number of events', 'first < 1 || first > largestPage', 'first < 1'),
  pages(
    'a respelled cursor is accepted',
    "if (bytes?.toString('base64url') !== cursor) {",
    'if (bytes === undefined) {',
  ),
  retention(
    'events are removed a day too early',
    'retention.now - retention.retentionSeconds * 1000',
    'retention.now + 86_400_000 - retention.retentionSeconds * 1000',
  ),
  ids('ids of one millisecond are out of order', '0x7000 | this.#counter', '0x7000'),
  ids(
    'a clock that was set back for good is not followed',
    'now < this.#lastMilliseconds - toleratedMilliseconds',
    'now < 0',
  ),
]
