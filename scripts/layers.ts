/**
 * Which folder of src/ may import which (docs/architecture.md): `npm run check:layers` prints every import
 * against the direction, and every circle.
 */
import { readFileSync, readdirSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'

const core = ['core/errors', 'core/*']

/** What each part of src/ may import in addition to itself; `core/*` and `features/*` are each of their folders. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  config: [],
  logging: [],
  database: ['config'],
  'core/errors': [],
  'core/entities': ['core/*'],
  'core/audit': ['core/errors', 'core/jobs', 'database'],
  'core/jobs': ['core/errors', 'database'],
  'core/throttle': ['core/errors', 'database'],
  'core/tokens': ['core/errors', 'core/audit', 'database'],
  'core/users': ['core/errors', 'core/audit', 'database'],
  'core/sessions': [
    'core/errors',
    'core/audit',
    'core/throttle',
    'core/tokens',
    'core/users',
    'database',
  ],
  graphql: [...core, 'database', 'logging'],
  http: ['core/errors', 'database', 'logging'],
  metrics: [...core, 'graphql', 'http'],
  feature: ['context', ...core, 'config', 'database', 'graphql', 'http', 'logging'],
  'features/*': ['feature', ...core, 'config', 'database', 'graphql', 'http', 'logging'],
  overrides: ['feature', 'features/*'],
  closers: [],
  context: [
    'feature',
    'overrides',
    ...core,
    'config',
    'database',
    'graphql',
    'http',
    'logging',
    'metrics',
  ],
  features: ['feature', 'features/*'],
  schema: ['features/*', 'features', 'feature', 'graphql'],
  app: [
    'closers',
    'config',
    'context',
    ...core,
    'database',
    'feature',
    'features',
    'graphql',
    'http',
    'logging',
    'metrics',
    'overrides',
    'schema',
  ],
  process: ['app', 'config', ...core, 'database', 'features/*', 'http', 'logging', 'metrics'],
  commands: [
    'app',
    'config',
    ...core,
    'database',
    'feature',
    'features',
    'features/*',
    'metrics',
    'process',
  ],
  main: ['process'],
}

/** The classes of the API that several features return. */
const sharedTypes = /^features\/account\/[\w.-]+\.type\.ts$/
/** Imported as a type by what it is handed to. */
const sanctioned = 'context.ts'
const handedTheContext = ['graphql', 'features/*', 'feature']

/** Libraries that can be replaced in one place, and the place. `types` may import their types. */
const homes: readonly { name: RegExp; in: readonly string[]; types?: readonly string[] }[] = [
  { name: /^jose(\/|$)/, in: ['core/tokens'] },
  { name: /^bcryptjs(\/|$)/, in: ['features/passwords'] },
  { name: /^prom-client(\/|$)/, in: ['metrics'] },
  { name: /^openid-client(\/|$)/, in: ['features/providers'] },
  { name: /^@apollo\/server(\/|$)/, in: ['graphql', 'http', 'app'] },
  {
    name: /^(fastify(\/|$)|@fastify\/)/,
    in: ['http', 'app'],
    types: ['features/*', 'feature', 'logging'],
  },
]

interface Import {
  readonly specifier: string
  readonly isType: boolean
}

const importShape =
  /^(?:import|export)(?:\s+(type))?\s+[\w*{}\s,$]+?\sfrom\s+'([^']+)'|^import\s+'([^']+)'|\bimport\('([^']+)'\)/gm

function importsOf(source: string): Import[] {
  return Array.from(source.matchAll(importShape), ([, type, from, plain, late]) => ({
    specifier: from ?? plain ?? late ?? '',
    isType: type !== undefined,
  }))
}

/** `core/users` of core/users/email.ts, `http` of http/pages/page.ts, `app` of app.ts. */
function partOf(path: string): string {
  const [first = '', second] = path.replace(/\.ts$/, '').split('/')
  return second !== undefined && (first === 'core' || first === 'features')
    ? `${first}/${second}`
    : first
}

function isAmong(part: string, list: readonly string[]): boolean {
  return list.some((entry) => entry === part || entry === part.replace(/\/[^/]+$/, '/*'))
}

const rulesOf = (part: string) => mayImport[part] ?? mayImport[part.replace(/\/[^/]+$/, '/*')]

/**
 * @param files by their paths within src/
 * @returns a sentence for each import that is against the direction, and for each circle
 */
export function findViolations(files: ReadonlyMap<string, string>): string[] {
  const violations: string[] = []
  const graph = new Map<string, string[]>()
  for (const [path, source] of files) {
    const part = partOf(path)
    const targets: string[] = []
    for (const { isType, specifier } of importsOf(source)) {
      if (!specifier.startsWith('.')) {
        const home = homes.find(({ name }) => name.test(specifier))
        const isHere =
          !home || isAmong(part, home.in) || (isType && isAmong(part, home.types ?? []))
        if (!isHere) violations.push(`${path}: ${specifier} belongs in ${home.in.join(', ')}`)
        continue
      }
      const target = normalize(join(dirname(path), specifier)).replaceAll('\\', '/')
      if (target.startsWith('../')) {
        violations.push(`${path}: src/ stands alone, and imports ${specifier}`)
        continue
      }
      const isContext = target === sanctioned && isType && isAmong(part, handedTheContext)
      if (isContext) continue
      targets.push(target)
      const other = partOf(target)
      const isShared = part.startsWith('features/') && sharedTypes.test(target)
      if (other === part || isShared || isAmong(other, rulesOf(part) ?? [])) continue
      violations.push(
        `${path}: ${part} may import ${rulesOf(part)?.join(', ') || 'nothing else'}, not ${target}`,
      )
    }
    graph.set(path, targets)
  }
  return [...violations, ...findCircles(graph)]
}

/** Depth first; a file that is met again on the way down closes a circle. */
function findCircles(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const circles: string[] = []
  const done = new Set<string>()
  const way: string[] = []
  const visit = (path: string) => {
    if (way.includes(path))
      circles.push(`A circle: ${[...way.slice(way.indexOf(path)), path].join(' → ')}`)
    if (done.has(path) || way.includes(path)) return
    way.push(path)
    for (const target of graph.get(path) ?? []) visit(target)
    way.pop()
    done.add(path)
  }
  for (const path of graph.keys()) visit(path)
  return circles
}

if (import.meta.main) {
  const src = join(import.meta.dirname, '..', 'src')
  const paths = readdirSync(src, { recursive: true, encoding: 'utf8' })
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => path.endsWith('.ts'))
  const violations = findViolations(
    new Map(paths.map((path) => [path, readFileSync(join(src, path), 'utf8')])),
  )
  console.log(violations.length === 0 ? 'Every import goes down.' : violations.join('\n'))
  process.exitCode = violations.length === 0 ? 0 : 1
}
