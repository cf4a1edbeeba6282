/** The generated files, by their paths. A test and CI compare them with what is committed. */
import { commands } from './commands.ts'
import { configuration, environmentFile } from './configuration.ts'
import { errors, events } from './enums.ts'
import { http } from './http.ts'

export function referenceFiles(): Record<string, string> {
  return {
    '.env.example': environmentFile(),
    'docs/reference/commands.md': page(commands()),
    'docs/reference/configuration.md': page(configuration()),
    'docs/reference/errors.md': page(errors()),
    'docs/reference/events.md': page(events()),
    'docs/reference/http.md': page(http()),
  }
}

function page(paragraphs: readonly string[]): string {
  return (
    ['<!-- Written by `npm run reference`. Do not edit. -->', ...paragraphs].join('\n\n') + '\n'
  )
}
