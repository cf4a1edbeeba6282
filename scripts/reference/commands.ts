/** docs/reference/commands.md, from the commands' own usage texts. */
import { usage } from '../../src/commands/usage.ts'

export function commands(): string[] {
  return [
    '# Commands',
    `They use the database of the running server and need the same environment. The server applies a change with the next
request. [Operating](../guides/operating.md) shows them at work.`,
    ...Object.entries(usage).flatMap(([name, text]) => [
      `## \`npm run ${name}\``,
      `\`\`\`text\n${text}\n\`\`\``,
    ]),
    '## `node dist/commands/health.js`',
    `Asks the server of this machine whether it is ready, and exits with 0 or 1: for the health check of a container
([how to run it in one](../guides/container.md)).`,
  ]
}
