import { expect, it } from 'vitest'
import { startHostileProvider } from '../support/hostile-provider.ts'
import { redirectUri } from '../support/identity-provider.ts'
import { begin, openidVariables, readAnswer, sendLogin } from '../support/provider-sign-in.ts'
import { startServer } from '../support/server.ts'

const names = ['red', 'green', 'blue']
const loginsEach = 100
const heldBack = 10
const slowMachineMilliseconds = 180_000

// parse-server CVE-2026-32242: state that sign-ins share gives one user another's account.
it(
  '300 sign-ins at once with three providers give everyone their own account',
  async () => {
    const providers = await Promise.all(names.map(() => startHostileProvider()))
    const server = await startServer(
      Object.assign(
        // As many connections as keep no one waiting for one until it is too late.
        { REDIRECT_URIS: redirectUri, DATABASE_POOL_SIZE: '100' },
        ...names.map((name, index) => openidVariables(name, providers[index]!)),
      ),
      // All of them share two cores with the providers and whatever else is tested.
      {
        providerTimeoutMilliseconds: slowMachineMilliseconds,
        requestTimeoutMilliseconds: slowMachineMilliseconds,
      },
    )
    // Answers come in another order than questions.
    for (const { answering } of providers) {
      const held: (() => void)[] = []
      answering.token = (response, answer) => {
        held.push(() => {
          response.writeHead(200, { 'content-type': 'application/json' })
          response.end(JSON.stringify(answer))
        })
        if (held.length === heldBack) for (const release of held.splice(0).toReversed()) release()
      }
    }

    const people = Array.from({ length: names.length * loginsEach }, (_, index) => ({
      provider: providers[index % names.length]!,
      name: names[index % names.length]!,
      // The same subjects at each of them.
      sub: `person-${Math.floor(index / names.length)}`,
    }))
    const flows = await Promise.all(
      people.map(async ({ provider, name, sub }) => {
        const begun = await begin(server.client, name)
        const userinfo = { name: `${sub} of ${name}`, email: `${sub}@${name}.example` }
        return readAnswer(begun, provider.authorize(begun.authorizationUrl, sub, { userinfo }))
      }),
    )
    const logins = await Promise.all(flows.map((answer) => sendLogin(server.client, answer)))
    const seen = await Promise.all(
      logins.map(({ data }) =>
        server.client
          .as(data.loginWithProvider.accessToken)
          .send('{ me { id email name identities { provider email } } }'),
      ),
    )
    for (const [index, { name, sub }] of people.entries()) {
      const email = `${sub}@${name}.example`
      expect(seen[index]!.data.me).toEqual({
        id: logins[index]!.data.loginWithProvider.user.id,
        email,
        name: `${sub} of ${name}`,
        identities: [{ provider: name, email }],
      })
    }
    expect(new Set(seen.map(({ data }) => data.me.id)).size).toBe(people.length)
    await Promise.all(providers.map((provider) => provider.close()))
  },
  slowMachineMilliseconds,
)
