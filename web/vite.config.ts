/** Builds the account page into dist/web, each asset beside its compressed forms. */
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { defineConfig, type Plugin } from 'vite'

const compressible = /\.(js|css|svg)$/
/** Below this a header costs more than compression saves. */
const leastBytes = 1024

/** Compressed once, here, as hard as can be; the server only chooses. */
function precompress(): Plugin {
  return {
    name: 'precompress',
    apply: 'build',
    writeBundle({ dir = '' }) {
      for (const name of readdirSync(join(dir, 'assets'))) {
        const file = join(dir, 'assets', name)
        const body = readFileSync(file)
        if (!compressible.test(name) || body.length < leastBytes) continue
        writeFileSync(`${file}.br`, brotliCompressSync(body))
        writeFileSync(`${file}.gz`, gzipSync(body, { level: 9 }))
      }
    },
  }
}

export default defineConfig({
  plugins: [precompress()],
  build: {
    outDir: '../dist/web',
    emptyOutDir: true,
    // The page's policy allows nothing inline, data: URLs included.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // Compressing takes longer than bundling, which is no news.
    rolldownOptions: { checks: { bundlerTimings: false } },
  },
})
