// Which operations become React hooks: `npm run codegen`.
import { buildSchema, parse } from 'graphql'
import { expect, it } from 'vitest'
import * as hooks from '../../client/generated/hooks.ts'
import { plugin } from '../../scripts/codegen-hooks.ts'

const schema = buildSchema(`
  type AuthPayload { accessToken: String! }
  type Query { greeting: String! }
  type Mutation { login: AuthPayload!, greet: String!, renewAll: [AuthPayload!]! }
`)
const config = { documentsFrom: 'a', factoriesFrom: 'b', withoutHooks: ['AuthPayload'] }
const namesFor = (operations: string) =>
  Array.from(
    plugin(schema, [{ document: parse(operations) }], config).content.matchAll(
      /export const (\w+)/g,
    ),
    ([, name]) => name,
  )

it('an operation has a hook, unless it gives new tokens, which the client must not miss', () => {
  expect(
    namesFor(`
      query Greeting { greeting }
      mutation Greet { greet }
      mutation Login { login { accessToken } }
      mutation Renew { renewAll { accessToken } }
      mutation Both { greet login { accessToken } }
      mutation Spread { ... on Mutation { login { accessToken } } }
    `),
  ).toEqual(['useGreetingQuery', 'useGreetMutation'])
})

it('the hooks of the package give no tokens', () => {
  const names = Object.keys(hooks)
  expect(names).toContain('useRevokeSessionMutation')
  expect(
    names.filter((name) => /^use(Login|Register|RefreshToken|Reauth|Change)/.test(name)),
  ).toEqual([])
})
