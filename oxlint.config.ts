// The linter's rules, and the direction in which src/ may import.
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { OxlintConfig } from 'oxlint'

const direction = 'main → app → context → ways in → sessions → {tokens, users}'

/** What each folder of src/ may import besides itself and `errors`. A folder that is not here is a guarded feature like `demo`. */
const mayImport: Record<string, string[]> = {
  audit: ['guard/role', 'users'],
  metrics: ['audit', 'graphql'],
  passwords: ['audit', 'guard', 'sessions', 'throttle', 'users'],
  providers: ['audit', 'guard', 'sessions', 'throttle', 'tokens/clock-leeway', 'users'],
  sessions: ['audit', 'guard/role', 'guard/authorized', 'throttle', 'tokens', 'users'],
  guard: ['sessions', 'tokens', 'users'],
  users: ['guard/role', 'guard/authorized'],
  tokens: [],
  throttle: [],
  graphql: ['database', 'http'],
  http: ['database', 'graphql'],
  database: ['graphql', 'http'],
  demo: ['guard'],
}

const plumbing = ['graphql', 'http', 'database']

/** Why a folder may not import more than it does, where the general direction does not say it. */
const reasons: Record<string, string> = {
  passwords: 'Ways in do not know each other.',
  providers: 'Ways in do not know each other.',
  tokens: 'tokens knows nobody.',
  throttle: 'throttle knows nobody.',
  users: 'From guard, only its labels (role, authorized), which know nobody.',
  sessions: 'From guard, only its labels (role, authorized), which know nobody.',
  audit: 'Whatever happens is told to audit; audit asks nobody.',
  metrics: 'Whatever is counted is handed to metrics; metrics asks nobody.',
  graphql: 'Plumbing knows no feature.',
  http: 'Plumbing knows no feature.',
  database: 'Plumbing knows no feature; entities.ts alone lists the entities.',
}

/** The libraries that live in one place, and the places. `types` may import a library's types. */
const homes: { library: string; name: RegExp; in: string[]; types?: string[] }[] = [
  { library: 'jose', name: /^jose(\/|$)/, in: ['tokens'] },
  { library: 'bcryptjs', name: /^bcryptjs(\/|$)/, in: ['passwords'] },
  { library: 'prom-client', name: /^prom-client(\/|$)/, in: ['metrics'] },
  { library: 'openid-client', name: /^openid-client(\/|$)/, in: ['providers'] },
  { library: '@apollo/server', name: /^@apollo\/server(\/|$)/, in: ['graphql', 'http', 'app'] },
  {
    library: 'fastify',
    name: /^(fastify(\/|$)|@fastify\/)/,
    in: ['http', 'app'],
    types: ['context'],
  },
]

const root = import.meta.dirname
const src = existsSync(join(root, 'src'))
  ? readdirSync(join(root, 'src'), { withFileTypes: true })
  : []
const folders = src.filter((entry) => entry.isDirectory()).map((entry) => entry.name)
const modules = src
  .filter((entry) => entry.isFile())
  .map((entry) => entry.name.replace(/\.ts$/, ''))
const top = ['main', 'app', 'context', 'config', 'errors']
/** `config.ts` and what is split off from it. */
const configParts = ['config', ...modules.filter((name) => name.startsWith('config.'))]
const everything = [...new Set([...top, ...Object.keys(mayImport), ...folders, ...modules])]

type Pattern = {
  regex?: string
  group?: string[]
  allowTypeImports?: boolean
  message: string
}

/** `../name`, `../name.ts`, `../name/anything`, however deep the importing file lies. */
function relative(names: string[], from: 'folder' | 'src') {
  const up = from === 'folder' ? '\\.\\./' : '\\.\\.?/'
  return `(^|/)${up}(${names.join('|')})([/.]|$)`
}

function restrict(files: string[], patterns: Pattern[]) {
  return { files, rules: { 'no-restricted-imports': ['error', { patterns }] as ['error', object] } }
}

function libraries(place: string): Pattern[] {
  return homes
    .filter((home) => !home.in.includes(place))
    .map((home) => ({
      regex: home.name.source,
      allowTypeImports: home.types?.includes(place) ?? false,
      message: `${home.library} lives in ${home.in.join(', ')} only: it can then be replaced in one place.`,
    }))
}

function folderRules(folder: string): Pattern[] {
  const allowed = mayImport[folder] ?? mayImport['demo'] ?? []
  const partly = [
    ...new Set(allowed.filter((name) => name.includes('/')).map((name) => name.split('/')[0]!)),
  ]
  const exempt = [folder, 'errors', ...configParts, 'context', 'database', ...partly, ...allowed]
  const list = allowed.length > 0 ? `${allowed.join(', ')} and errors` : 'errors'
  const rule = `${folder} may import ${list}, nothing else of src/. ${reasons[folder] ?? `The direction is ${direction}.`} (oxlint.config.ts)`
  return [
    {
      regex: relative(
        everything.filter((name) => !exempt.includes(name)),
        'folder',
      ),
      message: rule,
    },
    ...partly.map((name) => ({
      group: [
        `**/../${name}/**`,
        ...allowed
          .filter((path) => path.startsWith(`${name}/`))
          .flatMap((path) => [`!**/../${path}.ts`, `!**/../${path}.*.ts`]),
      ],
      message: rule,
    })),
    {
      regex: relative(['context'], 'folder'),
      allowTypeImports: true,
      message:
        'The one sanctioned upward edge is `import type { Context }`: the type, never a value.',
    },
    {
      regex: relative(['config'], 'folder'),
      // The settings of a provider are too many to be handed in one by one.
      allowTypeImports: plumbing.includes(folder) || folder === 'providers',
      message: plumbing.includes(folder)
        ? 'Plumbing may know the type of the configuration, never read it: app hands it in.'
        : 'Only main, app, context, commands and plumbing know the configuration: app hands each folder its values.',
    },
    ...(folder === 'database' || allowed.includes('database')
      ? []
      : [
          {
            regex: relative(['database'], 'folder'),
            allowTypeImports: true,
            message: 'The database is handed in by app: `import type` of it, never a value.',
          },
        ]),
    {
      regex: '(^|/)\\.\\./(client|web|sandbox|test|bench|scripts)/',
      message: 'src/ stands alone.',
    },
    ...libraries(folder),
  ]
}

const nobodyImportsMain: Pattern = {
  regex: '(^|/)\\.\\.?/(src/)?main(\\.|$)',
  message: 'Nobody imports main: it is the only file with side effects. createApp is in app.ts.',
}
const nobodyImportsApp: Pattern = {
  regex: '(^|/)\\.\\.?/app(\\.|$)',
  message: `Nobody imports app but main, commands and tests: the direction is ${direction}.`,
}

const config: OxlintConfig = {
  plugins: ['eslint', 'typescript', 'unicorn', 'oxc', 'import', 'node', 'promise', 'vitest'],
  categories: { correctness: 'error', suspicious: 'error' },
  env: { builtin: true, node: true },
  ignorePatterns: [
    'dist/',
    'dist.*/',
    'data/',
    'coverage/',
    'artifacts/',
    'client/generated/',
    'test/vectors/',
  ],
  rules: {
    'import/no-cycle': ['error', { ignoreTypes: true }],
    'typescript/no-floating-promises': 'error',
    'typescript/no-misused-promises': 'error',
    'typescript/only-throw-error': 'error',
    'typescript/prefer-promise-reject-errors': 'error',
    // Inside try, a promise that is returned without await escapes the catch.
    'typescript/return-await': ['error', 'error-handling-correctness-only'],
    'typescript/switch-exhaustiveness-check': 'error',
    'typescript/no-deprecated': 'error',
    'typescript/no-explicit-any': 'error',
    'typescript/consistent-type-imports': 'error',
    // `import { type A }` keeps the import of the file at run time.
    'typescript/no-import-type-side-effects': 'error',
    eqeqeq: ['error', 'always', { null: 'ignore' }],
    'no-var': 'error',
    'prefer-const': 'error',

    // The compiler says it (noImplicitReturns), or it is a matter of taste.
    'typescript/consistent-return': 'off',
    'typescript/no-extraneous-class': 'off',
    'typescript/no-unsafe-type-assertion': 'off',
    'import/no-named-as-default': 'off',
    'import/no-named-as-default-member': 'off',
    'import/no-unassigned-import': 'off',
    'promise/always-return': 'off',
    'unicorn/consistent-function-scoping': 'off',
    'no-underscore-dangle': 'off',
  },
  overrides: [
    {
      files: ['src/**'],
      rules: { 'no-console': 'error', 'node/no-process-env': 'error' },
    },
    {
      files: ['src/main.ts', 'src/process/settings.ts', 'src/commands/**'],
      rules: { 'no-console': 'off', 'node/no-process-env': 'off' },
    },

    ...folders
      .filter((folder) => folder !== 'commands')
      .map((folder) => restrict([`src/${folder}/**`], folderRules(folder))),
    restrict(
      [
        'src/core/users/role.ts',
        'src/guard/role.*.ts',
        'src/graphql/authorized.ts',
        'src/guard/authorized.*.ts',
      ],
      [
        {
          regex: relative(
            everything.filter((name) => !['errors', 'context'].includes(name)),
            'folder',
          ),
          message:
            "guard's labels (role, authorized) know nobody: whoever is guarded may then wear them.",
        },
        {
          group: ['./*', '!./role.ts', '!./role.*.ts', '!./authorized.ts', '!./authorized.*.ts'],
          message:
            "guard's labels (role, authorized) know nobody: whoever is guarded may then wear them.",
        },
        {
          regex: relative(['context'], 'folder'),
          allowTypeImports: true,
          message:
            'The one sanctioned upward edge is `import type { Context }`: the type, never a value.',
        },
        ...libraries('guard'),
      ],
    ),
    restrict(
      ['src/core/entities.ts'],
      [
        {
          group: ['../**', '!../**/*.entity.ts'],
          message:
            'entities.ts lists the entities (*.entity.ts) and knows nothing else of a feature.',
        },
        ...libraries('database'),
      ],
    ),
    restrict(['src/commands/**'], [nobodyImportsMain, ...libraries('commands')]),
    restrict(['src/main.ts'], libraries('main')),
    restrict(['src/app.ts'], [nobodyImportsMain, ...libraries('app')]),
    restrict(['src/context.ts'], [nobodyImportsMain, nobodyImportsApp, ...libraries('context')]),
    ...[
      { file: 'src/core/errors.ts', parts: ['errors'] },
      ...configParts.map((name) => ({ file: `src/${name}.ts`, parts: ['errors', ...configParts] })),
    ].map(({ file, parts }) =>
      restrict(
        [file],
        [
          {
            regex: relative(
              everything.filter((name) => !parts.includes(name)),
              'src',
            ),
            message: 'config and errors know nobody: everybody knows them.',
          },
          ...libraries('config'),
        ],
      ),
    ),

    restrict(['test/**', 'bench/**', 'scripts/**'], [nobodyImportsMain]),
    restrict(
      ['client/**', 'web/**', 'sandbox/**'],
      [
        {
          regex: '(^|/)src(/|$)',
          message:
            'client/, web/ and sandbox/ never import src/: they know the API, not the server.',
        },
      ],
    ),
    {
      files: ['test/**'],
      rules: { 'typescript/no-non-null-assertion': 'off', 'typescript/unbound-method': 'off' },
    },
  ],
}

export default config
