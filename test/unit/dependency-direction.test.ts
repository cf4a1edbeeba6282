// The linter holds the direction in which src/ may import; here its rules are seen to fire.
import { execFile } from 'node:child_process'
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const oxlint = join(
  dirname(createRequire(import.meta.url).resolve('oxlint/package.json')),
  'bin/oxlint',
)

/** file | what it imports | what the linter says */
const wrong: [file: string, source: string, message: string][] = [
  // Up the arrows.
  [
    'src/sessions/up.ts',
    `import '../passwords/policy.ts'`,
    'sessions may import audit, guard/role, guard/authorized, throttle, tokens, users and errors',
  ],
  ['src/sessions/deep/up.ts', `import '../../passwords/policy.ts'`, 'sessions may import'],
  ['src/sessions/round.ts', `import '../users/../app.ts'`, 'sessions may import'],
  ['src/sessions/again.ts', `export * from '../context.ts'`, 'The one sanctioned upward edge'],
  ['src/sessions/late.ts', `export const load = () => import('../app.ts')`, 'sessions may import'],
  ['src/sessions/guarded.ts', `import '../guard/guard.service.ts'`, 'From guard, only its labels'],
  [
    'src/users/up.ts',
    `import type { Session } from '../sessions/session.entity.ts'\nexport type S = Session`,
    'users may import guard/role, guard/authorized and errors',
  ],
  ['src/users/guarded.ts', `import '../guard/viewer.ts'`, 'From guard, only its labels'],
  [
    'src/guard/up.ts',
    `import '../passwords/policy.ts'`,
    'guard may import sessions, tokens, users and errors',
  ],
  ['src/core/users/role.ts', `import '../users/user.entity.ts'`, "guard's labels"],
  ['src/guard/authorized.decorator.ts', `import './viewer.ts'`, "guard's labels"],
  // Sideways.
  ['src/passwords/side.ts', `import '../providers/google.ts'`, 'Ways in do not know each other'],
  ['src/providers/side.ts', `import '../passwords/policy.ts'`, 'Ways in do not know each other'],
  [
    'src/passwords/keys.ts',
    `import '../tokens/key-ring.ts'`,
    'passwords may import audit, guard, sessions, throttle, users and errors',
  ],
  ['src/tokens/any.ts', `import '../users/user.entity.ts'`, 'tokens knows nobody'],
  ['src/throttle/any.ts', `import '../users/user.entity.ts'`, 'throttle knows nobody'],
  ['src/audit/any.ts', `import '../sessions/session.entity.ts'`, 'audit asks nobody'],
  ['src/metrics/any.ts', `import '../sessions/session.service.ts'`, 'metrics asks nobody'],
  ['src/demo/any.ts', `import '../sessions/session.entity.ts'`, 'demo may import guard and errors'],
  [
    'src/newcomer/any.ts',
    `import '../sessions/session.entity.ts'`,
    'newcomer may import guard and errors',
  ],
  ['src/sessions/newcomer.ts', `import '../newcomer/any.ts'`, 'sessions may import'],
  // Plumbing.
  ['src/graphql/feature.ts', `import '../guard/viewer.ts'`, 'Plumbing knows no feature'],
  ['src/http/feature.ts', `import '../tokens/jwks.ts'`, 'Plumbing knows no feature'],
  [
    'src/database/feature.ts',
    `import '../users/user.entity.ts'`,
    'entities.ts alone lists the entities',
  ],
  [
    'src/database/migrations/sqlite/feature.ts',
    `import '../../../users/user.entity.ts'`,
    'entities.ts alone lists the entities',
  ],
  ['src/core/entities.ts', `import '../users/user.service.ts'`, 'entities.ts lists the entities'],
  ['src/http/config.ts', `import '../config.ts'`, 'app hands it in'],
  [
    'src/tokens/config.ts',
    `import type { Config } from '../config.ts'\nexport type C = Config`,
    'app hands each folder its values',
  ],
  [
    'src/tokens/database.ts',
    `import '../database/database.ts'`,
    'The database is handed in by app',
  ],
  // The context: its type, and nothing else.
  [
    'src/demo/value.ts',
    `import { buildContext } from '../context.ts'\nbuildContext()`,
    'The one sanctioned upward edge is `import type { Context }`',
  ],
  [
    'src/demo/inline.ts',
    `import { type Context } from '../context.ts'\nexport type C = Context`,
    'TypeScript will only remove the inline type specifiers',
  ],
  // app and main.
  ['src/context.ts', `import './app.ts'`, 'Nobody imports app'],
  ['src/app.ts', `import './main.ts'`, 'Nobody imports main'],
  ['src/commands/user.ts', `import '../main.ts'`, 'Nobody imports main'],
  ['src/core/errors.ts', `import './config.ts'`, 'config and errors know nobody'],
  ['test/api/main.test.ts', `import '../../src/main.ts'`, 'Nobody imports main'],
  // Each library in its one place.
  ['src/guard/jwt.ts', `import 'jose'`, 'jose lives in tokens only'],
  ['src/users/hash.ts', `import 'bcryptjs'`, 'bcryptjs lives in passwords only'],
  ['src/http/metrics.ts', `import 'prom-client'`, 'prom-client lives in metrics only'],
  ['src/app.ts', `import 'openid-client'`, 'openid-client lives in providers only'],
  [
    'src/sessions/apollo.ts',
    `import '@apollo/server/errors'`,
    '@apollo/server lives in graphql, http, app only',
  ],
  [
    'src/sessions/fastify.ts',
    `import type { FastifyReply } from 'fastify'\nexport type R = FastifyReply`,
    'fastify lives in http, app only',
  ],
  ['src/context.ts', `import '@fastify/cookie'`, 'fastify lives in http, app only'],
  // Front ends, and back.
  [
    'client/link.ts',
    `import '../src/core/errors.ts'`,
    'client/, web/ and sandbox/ never import src/',
  ],
  [
    'web/page.ts',
    `import type { ErrorCode } from '../src/core/errors.ts'\nexport type E = ErrorCode`,
    'client/, web/ and sandbox/ never import src/',
  ],
  ['src/demo/client.ts', `import '../../client/link.ts'`, 'src/ stands alone'],
  // Circles.
  ['src/tokens/circle-a.ts', `import './circle-b.ts'`, 'Dependency cycle detected'],
]

const right: [file: string, source: string][] = [
  ['src/main.ts', `import './app.ts'\nimport './config.ts'`],
  [
    'src/app.ts',
    `import './context.ts'\nimport './http/server.ts'\nimport 'fastify'\nimport '@apollo/server'`,
  ],
  [
    'src/context.ts',
    `import './sessions/a.ts'\nimport type { FastifyRequest } from 'fastify'\nexport type R = FastifyRequest`,
  ],
  ['src/config/config.ts', `import './errors.ts'`],
  [
    'src/passwords/a.ts',
    `import '../users/a.ts'\nimport '../sessions/a.ts'\nimport '../throttle/a.ts'\nimport '../guard/authorized.ts'\nimport '../errors.ts'\nimport './b.ts'\nimport 'bcryptjs'`,
  ],
  [
    'src/providers/facts/a.ts',
    `import '../../users/a.ts'\nimport '../linking.ts'\nimport 'openid-client'`,
  ],
  [
    'src/sessions/a.ts',
    `import '../users/a.ts'\nimport '../audit/a.ts'\nimport '../tokens/a.ts'\nimport '../guard/authorized.ts'\nimport type { Role } from '../guard/role.ts'\nexport type R = Role`,
  ],
  [
    'src/guard/a.ts',
    `import '../sessions/a.ts'\nimport '../users/a.ts'\nimport '../tokens/a.ts'\nimport type { Context } from '../context.ts'\nexport type C = Context`,
  ],
  [
    'src/graphql/authorized.ts',
    `import './role.ts'\nimport '../errors.ts'\nimport type { Context } from '../context.ts'\nexport type C = Context`,
  ],
  [
    'src/users/a.ts',
    `import '../errors.ts'\nimport '../guard/role.ts'\nimport '../guard/authorized.decorator.ts'`,
  ],
  [
    'src/tokens/a.ts',
    `import 'jose'\nimport '../errors.ts'\nimport type { Database } from '../database/database.ts'\nexport type D = Database`,
  ],
  [
    'src/demo/a.ts',
    `import '../guard/authorized.ts'\nimport type { Context } from '../context.ts'\nexport type C = Context`,
  ],
  [
    'src/http/a.ts',
    `import '../graphql/a.ts'\nimport 'fastify'\nimport type { Config } from '../config.ts'\nexport type C = Config`,
  ],
  [
    'src/core/entities.ts',
    `import '../users/user.entity.ts'\nimport '../throttle/attempt-counter.entity.ts'`,
  ],
  ['src/commands/user.ts', `import '../app.ts'\nimport '../users/a.ts'`],
  ['test/api/app.test.ts', `import '../../src/app.ts'`],
  ['client/link.ts', `import './generated/types.ts'`],
]

type Diagnostic = { code: string; message: string; help?: string; filename: string }

/** Lints a tree of its own, under our configuration, and gives what the linter said of each file. */
async function lint(directory: string, files: string[][]) {
  await copyFile(join(root, 'oxlint.config.ts'), join(directory, 'oxlint.config.ts'))
  for (const [file, source] of files) {
    await mkdir(dirname(join(directory, file!)), { recursive: true })
    await writeFile(join(directory, file!), `${source}\n`)
  }
  const output = await new Promise<string>((resolve, reject) => {
    execFile(
      process.execPath,
      [oxlint, '--format=json', '.'],
      { cwd: directory },
      (error, stdout) => {
        // The status is 1 when there is something to say.
        if (stdout.startsWith('{')) resolve(stdout)
        else reject(new Error(`oxlint said: ${stdout}`, { cause: error }))
      },
    )
  })
  const { diagnostics } = JSON.parse(output) as { diagnostics: Diagnostic[] }
  return (file: string) =>
    diagnostics
      .filter(({ filename }) => filename.replaceAll('\\', '/').endsWith(file))
      .map(({ code, message, help }) => [code, message, help].join(' '))
}

describe('the linter', () => {
  let directory: string
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'latchkey-lint-'))
  })
  afterAll(async () => {
    await rm(directory, { recursive: true, force: true })
  })

  test('refuses each import against the direction, and says the rule', async () => {
    // One file may be in the table twice; each of them gets a tree of its own.
    const seen = new Map<string, number>()
    const trees = new Map<number, string[][]>()
    for (const row of wrong) {
      const tree = seen.get(row[0]) ?? 0
      seen.set(row[0], tree + 1)
      trees.set(tree, [...(trees.get(tree) ?? []), row])
    }
    for (const [tree, rows] of trees) {
      const path = join(directory, `wrong-${tree}`)
      const companions = [
        ['src/newcomer/b.ts', 'export {}'],
        ['src/tokens/circle-b.ts', `import './circle-a.ts'`],
      ]
      await mkdir(path)
      const said = await lint(path, [...rows, ...companions])
      for (const [file, source, message] of rows as typeof wrong) {
        expect(said(file), `${file}: ${source}`).toEqual([expect.stringContaining(message)])
      }
    }
  })

  test('lets pass what goes along the arrows', async () => {
    const path = join(directory, 'right')
    await mkdir(path)
    const said = await lint(path, right)
    expect(right.flatMap(([file]) => said(file))).toEqual([])
  })
})
