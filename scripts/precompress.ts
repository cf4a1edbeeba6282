/** A step of the pages' builds: compresses assets once, as hard as can be; the server only chooses. */
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import type { Plugin } from 'vite'

const compressible = /\.(js|css|svg|ttf)$/
/** Below this a header costs more than compression saves. */
const leastBytes = 1024

const compressors = {
  br: (body: Buffer) => brotliCompressSync(body),
  gz: (body: Buffer) => gzipSync(body, { level: 9 }),
}

/** @param suffixes of the forms that are written next to each asset; Brotli takes seconds for a megabyte */
export function precompress(suffixes: readonly (keyof typeof compressors)[]): Plugin {
  return {
    name: 'precompress',
    apply: 'build',
    writeBundle({ dir = '' }) {
      for (const name of readdirSync(join(dir, 'assets'))) {
        const file = join(dir, 'assets', name)
        const body = readFileSync(file)
        if (!compressible.test(name) || body.length < leastBytes) continue
        for (const suffix of suffixes) writeFileSync(`${file}.${suffix}`, compressors[suffix](body))
      }
    },
  }
}
