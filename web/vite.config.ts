/** Builds the account page into dist/web, each asset next to its compressed forms. */
import { defineConfig } from 'vite'
import { precompress } from '../scripts/precompress.ts'

export default defineConfig({
  plugins: [precompress(['br', 'gz'])],
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
