/** Writes docs/reference/ and .env.example. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { referenceFiles } from './reference/files.ts'

const root = new URL('../', import.meta.url)
mkdirSync(new URL('docs/reference/', root), { recursive: true })
for (const [path, text] of Object.entries(referenceFiles())) {
  writeFileSync(new URL(path, root), text)
}
