// ADR 0031: what stands in for packages that are never loaded is never asked for.
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }
import { createClient } from '../support/client.ts'
import { startProcess, temporaryFolder } from '../support/process.ts'

const absent = Object.values(manifest.overrides).flatMap((packages) => Object.keys(packages))
const main = fileURLToPath(new URL('../../dist/main.unbundled.js', import.meta.url))

/** Names on standard error each of the packages that is asked for. */
const watching = (names: readonly string[]) =>
  `data:text/javascript,${encodeURIComponent(`
  import { writeSync } from 'node:fs'
  import { registerHooks } from 'node:module'
  const names = ${JSON.stringify(names)}
  registerHooks({
    resolve: (specifier, context, next) => {
      if (names.includes(specifier)) writeSync(2, specifier + ' ')
      return next(specifier, context)
    },
  })`)}`

async function use(names: readonly string[]) {
  const env = { BCRYPT_COST: '4', LOG_LEVEL: 'warn', METRICS_PORT: '0' }
  const server = startProcess(temporaryFolder(), env, { main, imports: [watching(names)] })
  const client = createClient(await server.ready)
  const { accessToken, email, password, refreshToken } = await client.register()
  expect((await client.login(email, password)).errors).toBeUndefined()
  expect((await client.refresh(refreshToken)).errors).toBeUndefined()
  expect((await client.as(accessToken).send('{ me { email } }')).data.me.email).toBe(email)
  server.child.kill('SIGTERM')
  expect(await server.ended).toBe(0)
  return server.stderr()
}

it('the server asks for none of the packages that are not installed', async () => {
  expect(absent).toEqual(['body-parser', 'cors', 'finalhandler', 'sha.js'])
  expect(await use(absent)).toBe('')
})

it('a package that is asked for would be seen', async () => {
  expect(await use(['@apollo/utils.createhash'])).toContain('@apollo/utils.createhash')
})
