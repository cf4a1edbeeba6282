/** A guide whose code lies next to it: docs/guides/NAME.md shows the files of docs/guides/NAME/. */
import { readFileSync, readdirSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

export interface Block {
  /** The file that is named above the block. */
  readonly file: string
  readonly language: string
  readonly body: string
}

export interface Guide {
  readonly folder: string
  readonly text: string
  /** In the order of the page; a `diff` is an edit, anything else a whole file. */
  readonly blocks: readonly Block[]
  /** The files next to the page, with what is in them. */
  readonly files: Readonly<Record<string, string>>
}

export function readGuide(name: string): Guide {
  const folder = fileURLToPath(new URL(`../../docs/guides/${name}`, import.meta.url))
  const text = readFileSync(`${folder}.md`, 'utf8')
  const blocks = Array.from(
    text.matchAll(/^`([\w./-]+)`\n\n```(\w+)\n(.*?)^```$/gms),
    ([, file = '', language = '', body = '']) => ({ file, language, body }),
  )
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => [relative(folder, path), readFileSync(path, 'utf8')] as const)
  return { folder, text, blocks, files: Object.fromEntries(files) }
}

/** The files that the page shows whole. */
export function shownFiles({ blocks }: Guide): Record<string, string> {
  const whole = blocks.filter(({ language }) => language !== 'diff')
  return Object.fromEntries(whole.map(({ file, body }) => [file, body]))
}
