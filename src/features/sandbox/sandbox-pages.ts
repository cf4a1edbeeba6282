/** The two pages to try the API in, as `npm run build` made them of sandbox/, with the example operations. */
import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { readStaticAssets, type StaticAssets } from '../../http/static-assets.ts'

/** Each time that a page is loaded, its examples have another e-mail address, so that Register succeeds. */
export interface SandboxPages {
  /** Apollo Sandbox, for /graphql. */
  readonly sandbox: () => string
  readonly graphiql: () => string
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
 * @returns undefined if the pages were not built
 */
export function readSandboxPages(root: string): SandboxPages | undefined {
  const folder = join(root, 'dist', 'sandbox')
  if (!existsSync(join(folder, 'sandbox.html'))) return undefined
  const examples = readExamples(join(root, 'schema', 'operations'))
  const page = (name: string) => {
    const html = readFileSync(join(folder, name), 'utf8')
    return () => html.replace(marker, () => elementWith(withUnusedEmail(examples)))
  }
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

function elementWith(examples: Examples): string {
  // Data, not a script: no policy is about it. It must not end the element that it is in.
  const json = JSON.stringify(examples).replaceAll('<', String.raw`\u003c`)
  return `<script type="application/json" id="examples">${json}</script>`
}

/** `ada@example.com` becomes an address such as `ada.5f0c1b7e@example.com`. */
function withUnusedEmail({ document, variables }: Examples): Examples {
  const { email } = variables
  if (typeof email !== 'string') return { document, variables }
  const suffix = randomBytes(4).toString('hex')
  return { document, variables: { ...variables, email: email.replace('@', `.${suffix}@`) } }
}
