/** Builds both pages into dist/sandbox, each asset next to its compressed form. */
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'
import { precompress } from '../scripts/precompress.ts'

const page = (name: string) => fileURLToPath(new URL(name, import.meta.url))

export default defineConfig({
  base: '/sandbox/',
  plugins: [precompress(['gz'])],
  worker: { format: 'es' },
  build: {
    outDir: '../dist/sandbox',
    emptyOutDir: true,
    modulePreload: { polyfill: false },
    // The editor is as large as it is.
    chunkSizeWarningLimit: 4000,
    rolldownOptions: {
      input: [page('sandbox.html'), page('graphiql.html')],
      // "use client" is for servers that render React.
      onLog: (level, log, handle) => {
        if (log.code !== 'MODULE_LEVEL_DIRECTIVE') handle(level, log)
      },
    },
  },
})
