// Makes one file of what a start loads, our own modules and their dependencies: Node finds, reads and
// links it in a third of the time that it takes for 1,500 of them (docs/adr/0022).
import { readFile, rm, writeFile } from 'node:fs/promises'
import { relative, resolve } from 'node:path'
import { build } from 'esbuild'

const external = [
  // Finds its own files by where it is.
  'piscina',
  // Takes Node's hash only if `module.require` is there, which it is not in a bundle: it would hash every
  // query in JavaScript.
  '@apollo/utils.createhash',
  // Optional, and not installed.
  'pg-native',
  'class-validator',
  'dataloader',
]

/**
 * @param entry the compiled entry file; the bundle takes its place
 * @param folder of our compiled files, which stay: workers and commands run from them
 */
export async function bundle(entry, folder) {
  const { outputFiles } = await build({
    write: false,
    entryPoints: [entry],
    outfile: entry,
    bundle: true,
    external,
    platform: 'node',
    format: 'esm',
    target: 'node22',
    mainFields: ['module', 'main'],
    // graphql-js asks it at its start, and else looks twice at every value's class.
    define: { 'process.env.NODE_ENV': '"production"' },
    legalComments: 'none',
    // The text stays in memory. Lines, for those that a stack trace names.
    minifyWhitespace: true,
    lineLimit: 160,
    logLevel: 'error',
    // Not even a source map: Node would read and keep all of it at the first error that is logged.
    sourcemap: false,
    banner: { js: banner },
    plugins: [keepPlaces(resolve(folder)), loadLate('better-sqlite3')],
  })
  await writeFile(entry, outputFiles[0].text)
  await rm(`${entry}.map`)
}

// CommonJS asks for these; and a module of ours for where it was.
const banner = `import { createRequire as __createRequire } from 'node:module'
import { fileURLToPath as __fileURLToPath } from 'node:url'
const require = __createRequire(import.meta.url)
const __filename = import.meta.filename, __dirname = import.meta.dirname
const __placeOf = (path) => {
  const url = new URL(path, import.meta.url)
  return { url: url.href, filename: __fileURLToPath(url), dirname: __fileURLToPath(new URL('.', url)).slice(0, -1) }
}`

/** What a module of ours finds beside itself, it continues finding there. */
function keepPlaces(folder) {
  return {
    name: 'keep-places',
    setup({ onLoad }) {
      onLoad({ filter: /\.js$/ }, async ({ path }) => {
        const place = relative(folder, path)
        if (place.startsWith('..') || place.includes('node_modules')) return undefined
        const text = await readFile(path, 'utf8')
        return {
          loader: 'js',
          contents: text.replaceAll(
            /\bimport\.meta\b(?!\.resolve)/g,
            `__placeOf(${JSON.stringify(`./${place}`)})`,
          ),
        }
      })
    },
  }
}

/**
 * Leaves a native package outside, and has it loaded by the module that imports it, when that runs: an
 * import of what is outside would stand at the head of the bundle, and be loaded by every start.
 */
function loadLate(name) {
  return {
    name: 'load-late',
    setup({ onLoad, onResolve }) {
      onResolve({ filter: new RegExp(`^${name}$`) }, ({ namespace, path }) =>
        namespace === 'late' ? { path, external: true } : { path, namespace: 'late' },
      )
      onLoad({ filter: /.*/, namespace: 'late' }, ({ path }) => ({
        contents: `module.exports = require(${JSON.stringify(path)})`,
      }))
    },
  }
}
