// Which folder of src/ may import which: here the rules are seen to fire.
import { describe, expect, test } from 'vitest'
import { findViolations } from '../../scripts/layers.ts'

/** file | what it imports | what is said of it */
const wrong: [file: string, source: string, message: string][] = [
  [
    'core/sessions/up.ts',
    `import '../../features/passwords/policy.ts'`,
    'core/sessions may import',
  ],
  ['core/sessions/deep/up.ts', `import { a } from '../../../graphql/a.ts'`, 'core/sessions may'],
  ['core/sessions/round.ts', `import '../users/../../app.ts'`, 'core/sessions may import'],
  ['core/sessions/again.ts', `export * from '../../context.ts'`, 'core/sessions may import'],
  [
    'core/sessions/late.ts',
    `const load = () => import('../../app.ts')`,
    'core/sessions may import',
  ],
  ['core/users/up.ts', `import type { S } from '../sessions/a.ts'`, 'core/users may import'],
  ['core/users/lines.ts', `import {\n  a,\n  type B,\n} from '../sessions/a.ts'`, 'core/users may'],
  ['core/tokens/any.ts', `import '../users/user.entity.ts'`, 'core/tokens may import'],
  [
    'core/throttle/config.ts',
    `import type { C } from '../../config/config.ts'`,
    'core/throttle may',
  ],
  [
    'features/passwords/side.ts',
    `import '../providers/google.ts'`,
    'features/passwords may import',
  ],
  ['features/newcomer/side.ts', `import '../account/user.resolver.ts'`, 'features/newcomer may'],
  [
    'features/demo/value.ts',
    `import { Context } from '../../context.ts'`,
    'features/demo may import',
  ],
  ['features/demo/up.ts', `import type { A } from '../../app.ts'`, 'features/demo may import'],
  ['graphql/feature.ts', `import '../features/demo/a.ts'`, 'graphql may import'],
  ['http/feature.ts', `import '../features/demo/a.ts'`, 'http may import'],
  ['http/config.ts', `import '../config/config.ts'`, 'http may import'],
  ['database/entity.ts', `import '../core/users/user.entity.ts'`, 'database may import config'],
  ['config/any.ts', `import '../core/errors.ts'`, 'config may import nothing else'],
  ['core/errors.ts', `import '../config/config.ts'`, 'core/errors may import nothing else'],
  ['context.ts', `import './app.ts'`, 'context may import'],
  ['app.ts', `import './main.ts'`, 'app may import'],
  ['commands/user.ts', `import '../main.ts'`, 'commands may import'],
  ['newcomer/a.ts', `import '../core/errors.ts'`, 'newcomer may import nothing else'],
  ['core/users/jwt.ts', `import 'jose'`, 'jose belongs in core/tokens'],
  [
    'core/users/hash.ts',
    `import { hash } from 'bcryptjs'`,
    'bcryptjs belongs in features/passwords',
  ],
  ['http/metrics.ts', `import 'prom-client'`, 'prom-client belongs in metrics'],
  ['app.ts', `import 'openid-client'`, 'openid-client belongs in features/providers'],
  ['core/sessions/apollo.ts', `import '@apollo/server/errors'`, '@apollo/server/errors belongs in'],
  ['features/demo/server.ts', `import { fastify } from 'fastify'`, 'fastify belongs in http, app'],
  ['features/demo/client.ts', `import '../../../client/link.ts'`, 'src/ stands alone'],
]

const right: [file: string, source: string][] = [
  ['main.ts', `import './process/run.ts'`],
  [
    'app.ts',
    `import './context.ts'\nimport './http/server.ts'\nimport 'fastify'\nimport '@apollo/server'`,
  ],
  ['context.ts', `import './core/sessions/a.ts'\nimport './feature.ts'`],
  ['core/sessions/a.ts', `import '../users/a.ts'\nimport '../errors.ts'\nimport './b.ts'`],
  ['core/tokens/a.ts', `import 'jose'\nimport type { D } from '../../database/database.ts'`],
  [
    'features/demo/a.ts',
    `import type { Context } from '../../context.ts'\nimport '../../graphql/a.ts'`,
  ],
  ['features/demo/b.ts', `import { UserType } from '../account/user.type.ts'`],
  ['features/demo/c.ts', `import type { FastifyInstance } from 'fastify'`],
  ['graphql/a.ts', `import type { Context } from '../context.ts'\nimport '../core/users/role.ts'`],
  ['commands/user.ts', `import '../app.ts'\nimport '../core/users/a.ts'`],
]

describe('an import in src/', () => {
  test.each(wrong)(
    'is refused if it goes up or sideways: %s imports %s',
    (file, source, message) => {
      expect(findViolations(new Map([[file, source]]))).toEqual([expect.stringContaining(message)])
    },
  )

  test.each(right)('is allowed if it goes down: %s imports %s', (file, source) => {
    expect(findViolations(new Map([[file, source]]))).toEqual([])
  })

  test('is refused if it closes a circle, of types, too', () => {
    const files = new Map([
      ['core/tokens/a.ts', `import './b.ts'`],
      ['core/tokens/b.ts', `import type { A } from './a.ts'`],
    ])
    expect(findViolations(files)).toEqual([
      'A circle: core/tokens/a.ts → core/tokens/b.ts → core/tokens/a.ts',
    ])
  })
})
