/** What a complete run found, as the page test/mutation.md. */
import type { Mutation } from './mutation.ts'

export interface Result {
  readonly mutation: Mutation
  readonly isKilled: boolean
  /** The test that failed first. */
  readonly failed?: string
}

/** Percent of the mutations that the tests have to notice. */
export const requiredShare = 90

/** Percent that were killed, rounded down. */
export function share(results: readonly Result[]): number {
  const killed = results.filter(({ isKilled }) => isKilled)
  return Math.floor((killed.length / results.length) * 100)
}

export function describeResults(results: readonly Result[]): string {
  const folders = Object.entries(
    Object.groupBy(results, ({ mutation }) => folderOf(mutation.file)),
  ).toSorted(([one], [other]) => (one < other ? -1 : 1))
  const rows = folders.map(([folder, list = []]) => {
    const killed = list.filter(({ isKilled }) => isKilled).length
    return [folder, String(list.length), String(killed)]
  })
  const survivors = results
    .filter(({ isKilled }) => !isKilled)
    .map(
      ({ mutation }) =>
        `- **${mutation.name}** (${mutation.file}): ${mutation.survives ?? 'a test is missing.'}`,
    )
    .toSorted()
  return `# Mutations

Each mutation is a realistic mistake in one line of the source (test/mutation/mutations). \`npm run mutate\` applies them one
by one and runs the tests that should fail. This page is written by \`npm run mutate -- --write\`.

A mutation is applied while Vite loads the source, so what runs outside of it cannot be mutated:
src/features/passwords/bcrypt.worker.ts, which runs in worker threads, and servers and commands that tests start as processes.

${tableOf([['Folder', 'Mutations', 'Killed'], ...rows])}

${share(results)} % were killed; ${requiredShare} % are required.

## Survivors

${survivors.length === 0 ? 'None.' : survivors.join('\n')}
`
}

function folderOf(file: string): string {
  return file
    .split('/')
    .slice(0, /^src\/(core|features)\//.test(file) ? 3 : file.startsWith('src/') ? 2 : 1)
    .join('/')
}

/** In Markdown, with the columns as wide as the formatter makes them. */
function tableOf([titles = [], ...rows]: readonly (readonly string[])[]): string {
  const widths = titles.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]!.length)),
  )
  const lineOf = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column]!)).join(' | ')} |`
  const rule = widths.map((width) => '-'.repeat(width))
  return [titles, rule, ...rows].map(lineOf).join('\n')
}
