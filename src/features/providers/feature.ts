import type { Feature } from '../../feature.ts'
import { untilNone } from '../../core/jobs/sweeping.ts'
import { FlowStore } from './flow-store.ts'
import { formPostCallback } from './form-post-callback.ts'
import { signInMethodsOf } from './identities.ts'
import { KeptTokens } from './kept-tokens.ts'
import { acceptPostedResponse } from './posted-response.ts'
import { createProviderClients, describeOtherIssuers } from './provider-clients.ts'
import { providerErrorCodes } from './provider-error-codes.ts'
import { ProviderFlow } from './provider-flow.entity.ts'
import { ProviderResolver } from './provider.resolver.ts'
import { ProviderToken } from './provider-token.entity.ts'
import { providersPart } from './providers.ts'

/** Sign-in with Google, GitHub and others, and any OpenID Connect issuer. */
export const providersFeature: Feature = {
  name: 'providers',
  resolvers: [ProviderResolver],
  entities: [ProviderFlow, ProviderToken],
  errorCodes: providerErrorCodes,
  async start(server) {
    const { clock, config, database, fetch, log, overrides, derivedKeys } = server
    const flows = new FlowStore({ database, clock })
    const clients = createProviderClients(config.providers, {
      fetch,
      clock,
      timeoutMilliseconds: overrides.providerTimeoutMilliseconds,
    })
    for (const warning of await describeOtherIssuers(database, clients)) log.warn(warning)
    providersPart.provide(server, {
      clients,
      flows,
      keptTokens: new KeptTokens({ database, encryption: derivedKeys, clock }),
      redirectUris: config.accountPage
        ? [...config.redirectUris, `${config.publicUrl}/callback`]
        : config.redirectUris,
      formPostUri: (provider) => `${config.publicUrl}/providers/${provider}/callback`,
    })
    return {
      signInMethods: (context, { id }) => signInMethodsOf(context.em, id, clients),
      sweeps: [untilNone((limit) => flows.sweep(limit))],
      routes: {
        paths: [],
        register: (app, { pace }) =>
          formPostCallback(app, {
            pace,
            findRedirectUri: (posted) => acceptPostedResponse(clients, flows, posted),
          }),
      },
    }
  },
}
