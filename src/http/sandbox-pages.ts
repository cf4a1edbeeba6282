/** The two pages to try the API in, as `npm run build` made them of sandbox/, with the example operations. */
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { readStaticAssets, type StaticAssets } from './static-assets.ts'

export interface SandboxPages {
  /** Apollo Sandbox, for /graphql. */
  readonly sandbox: string
  readonly graphiql: string
  /** Below /sandbox/assets/. */
  readonly assets: StaticAssets
}

interface Examples {
  /** Operations, to be run one by one. */
  readonly document: string
  /** For all of the operations together. */
  readonly variables: Readonly<Record<string, unknown>>
}

/** Where sandbox/*.html leaves room for the examples. */
const marker = '<!-- examples -->'

/**
 * @param root the folder of schema/ and dist/
 * @returns undefined where the pages were not built
 */
export function readSandboxPages(root: string): SandboxPages | undefined {
  const folder = join(root, 'dist', 'sandbox')
  if (!existsSync(join(folder, 'sandbox.html'))) return undefined
  const examples = readExamples(join(root, 'schema', 'operations'))
  // Data, not a script: no policy is about it. It must not end the element that it is in.
  const json = JSON.stringify(examples).replaceAll('<', String.raw`\u003c`)
  const page = (name: string) =>
    readFileSync(join(folder, name), 'utf8').replace(
      marker,
      () => `<script type="application/json" id="examples">${json}</script>`,
    )
  return {
    sandbox: page('sandbox.html'),
    graphiql: page('graphiql.html'),
    assets: readStaticAssets(join(folder, 'assets')),
  }
}

/** In the order of their files; in an installation without them the pages open empty. */
function readExamples(folder: string): Examples {
  if (!existsSync(folder)) return { document: '', variables: {} }
  const document = readdirSync(folder)
    .filter((name) => name.endsWith('.graphql'))
    .toSorted()
    .map((name) => readFileSync(join(folder, name), 'utf8').trim())
    .join('\n\n')
  const variables = JSON.parse(
    readFileSync(join(folder, 'variables.json'), 'utf8'),
  ) as Examples['variables']
  return { document, variables }
}
