/**
 * What the client costs a front end: each entry in one minified file, without the libraries that the
 * front end has anyway. Fails where an entry is over its budget.
 */
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { build } from 'esbuild'

/** Bytes after Brotli. Raise one in the commit that needs it, and say there what for. */
const budgets = {
  // What a page has that imports no more than this.
  'createAuthClient of latchkey/client': {
    contents: `export { createAuthClient, readServerError } from './index.ts'`,
    budget: 9100,
  },
  'all of latchkey/client': { contents: `export * from './index.ts'`, budget: 10350 },
  'latchkey/client/react': { contents: `export * from './react.ts'`, budget: 400 },
  'latchkey/client/apollo': { contents: `export * from './apollo.ts'`, budget: 2950 },
}

const peers = ['graphql', 'react', '@apollo/client', 'rxjs']

const rows = await Promise.all(
  Object.entries(budgets).map(async ([name, { budget, contents }]) => {
    const { outputFiles } = await build({
      stdin: { contents, resolveDir: 'client', loader: 'ts' },
      bundle: true,
      minify: true,
      write: false,
      format: 'esm',
      platform: 'browser',
      target: 'es2022',
      external: peers.flatMap((peer) => [peer, `${peer}/*`]),
    })
    const code = outputFiles[0]!.contents
    return {
      entry: name,
      minified: code.length,
      gzip: gzipSync(code, { level: 9 }).length,
      brotli: brotliCompressSync(code).length,
      budget,
    }
  }),
)

console.table(rows, ['entry', 'minified', 'gzip', 'brotli', 'budget'])
const over = rows.filter(({ brotli, budget }) => brotli > budget)
for (const { entry, brotli, budget } of over) {
  console.error(`${entry} has ${brotli} bytes, ${brotli - budget} over its budget`)
}
process.exitCode = over.length === 0 ? 0 : 1
