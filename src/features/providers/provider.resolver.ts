import { Arg, Ctx, Mutation, Query, Resolver } from 'type-graphql'
import type { Context } from '../../context.ts'
import { providers, providersPart } from './providers.ts'
import { Authorized, Fresh } from '../../graphql/authorized.ts'
import type { AuthPayload } from '../../core/sessions/auth-payload.ts'
import { TokenTransport } from '../../core/sessions/token-transport.ts'
import { AuthPayloadType } from '../account/session.type.ts'
import { UserType } from '../account/user.type.ts'
import { FlowPurpose } from './flow-store.ts'
import { ProviderFlowType, ProviderTokenType, ProviderType } from './provider.type.ts'

const descriptions = {
  provider: 'The id of a provider, as in `Provider.id`.',
  code: 'The `code` that the provider has added to the redirect URI.',
  state: 'The `state` that the provider has added to the redirect URI.',
  flowToken: 'The `flowToken` that `beginProviderLogin` returned.',
  iss: 'The `iss` that the provider has added to the redirect URI, if any (RFC 9207).',
}

@Resolver()
export class ProviderResolver {
  @Query(() => [ProviderType], {
    description: 'The providers that are configured on this server: one sign-in button for each.',
  })
  providers(@Ctx() context: Context): ProviderType[] {
    return [...providersPart.of(context.server).clients.values()].map(({ id, name }) => ({
      id,
      name,
    }))
  }

  @Mutation(() => ProviderFlowType, {
    complexity: 50,
    description:
      'Starts a sign-in with a provider: OAuth 2.0 authorization code with PKCE. Send the user to `authorizationUrl`; they come back to `redirectUri` with a code. Called with an access token, the flow can also link the account (`linkProvider`).',
  })
  beginProviderLogin(
    @Ctx() context: Context,
    @Arg('provider', () => String, { description: descriptions.provider }) provider: string,
    @Arg('redirectUri', () => String, {
      description:
        'Where the provider sends the user afterwards: exactly one of the server’s `REDIRECT_URIS` (with any port if the entry is a loopback IP without a port), or `/callback` of its account page.',
    })
    redirectUri: string,
    @Arg('purpose', () => FlowPurpose, {
      defaultValue: FlowPurpose.SIGN_IN,
      description: 'What the flow will be used for. It is not accepted for anything else.',
    })
    purpose: FlowPurpose,
  ): Promise<ProviderFlowType> {
    const { request, viewer } = context
    request.noteCostlyField()
    const isUserNeeded = purpose === FlowPurpose.REAUTHENTICATE
    const userId =
      isUserNeeded || viewer.isAuthenticated ? context.authenticated().user.id : undefined
    return providers(context).begin(provider, redirectUri, userId, purpose)
  }

  @Mutation(() => AuthPayloadType, {
    complexity: 100,
    description:
      'Signs in with the response of a provider; the first sign-in creates an account. A flow can be used once. If the provider has verified the e-mail address and an account has it, the sign-in joins that account, or takes it over if its address was never verified. If the sign-in may not join the account with that address, it fails with `LINK_REQUIRED`.',
  })
  loginWithProvider(
    @Ctx() context: Context,
    @Arg('provider', () => String, { description: descriptions.provider }) provider: string,
    @Arg('code', () => String, { description: descriptions.code }) code: string,
    @Arg('state', () => String, { description: descriptions.state }) state: string,
    @Arg('flowToken', () => String, { description: descriptions.flowToken }) flowToken: string,
    @Arg('transport', () => TokenTransport, {
      defaultValue: TokenTransport.BODY,
      description: 'How the refresh token is sent.',
    })
    transport: TokenTransport,
    @Arg('iss', () => String, { nullable: true, description: descriptions.iss })
    iss?: string | null,
  ): Promise<AuthPayload> {
    return providers(context).login(
      { provider, code, state, flowToken, iss: iss ?? undefined },
      transport,
    )
  }

  @Authorized()
  @Mutation(() => AuthPayloadType, {
    complexity: 100,
    description:
      "Proves the user's identity again with a linked provider, for fields that need a recent proof (`@requiresFresh`). Takes a flow that was started with an access token and the purpose `REAUTHENTICATE`. The session stays the same; its tokens are replaced, and the new refresh token is sent the same way as the old one. Fails with `FORBIDDEN` if the user signed in to a different account at the provider.",
  })
  reauthenticateWithProvider(
    @Ctx() context: Context,
    @Arg('provider', () => String, { description: descriptions.provider }) provider: string,
    @Arg('code', () => String, { description: descriptions.code }) code: string,
    @Arg('state', () => String, { description: descriptions.state }) state: string,
    @Arg('flowToken', () => String, { description: descriptions.flowToken }) flowToken: string,
    @Arg('iss', () => String, { nullable: true, description: descriptions.iss })
    iss?: string | null,
  ): Promise<AuthPayload> {
    return providers(context).reauthenticate(
      { provider, code, state, flowToken, iss: iss ?? undefined },
      context.sessionReference(),
    )
  }

  @Authorized()
  @Fresh({ maxAge: '5m' })
  @Mutation(() => UserType, {
    complexity: 100,
    description:
      'Links an account at a provider to the user, with a flow that was started with an access token. Linking the same account again changes nothing.',
  })
  async linkProvider(
    @Ctx() context: Context,
    @Arg('provider', () => String, { description: descriptions.provider }) provider: string,
    @Arg('code', () => String, { description: descriptions.code }) code: string,
    @Arg('state', () => String, { description: descriptions.state }) state: string,
    @Arg('flowToken', () => String, { description: descriptions.flowToken }) flowToken: string,
    @Arg('iss', () => String, { nullable: true, description: descriptions.iss })
    iss?: string | null,
  ): Promise<UserType> {
    const { user, sessionId } = context.authenticated()
    await providers(context).link(
      { provider, code, state, flowToken, iss: iss ?? undefined },
      { userId: user.id, sessionId },
    )
    return user
  }

  @Authorized()
  @Fresh({ maxAge: '5m' })
  @Mutation(() => UserType, {
    complexity: 50,
    description:
      "Unlinks a provider from the user and revokes the user's other sessions that were started with it. Fails with `LAST_CREDENTIAL` if it is the only way to sign in.",
  })
  async unlinkProvider(
    @Ctx() context: Context,
    @Arg('provider', () => String, { description: descriptions.provider }) provider: string,
  ): Promise<UserType> {
    const { user, sessionId } = context.authenticated()
    await providers(context).unlink(provider, { userId: user.id, sessionId })
    return user
  }

  @Authorized()
  @Fresh({ maxAge: '5m' })
  @Query(() => ProviderTokenType, {
    complexity: 50,
    description:
      "Returns an access token for the provider's own API, renewed if it has expired. Available only if the operator has set `<PROVIDER>_KEEP_TOKENS`.",
  })
  providerToken(
    @Ctx() context: Context,
    @Arg('provider', () => String, { description: descriptions.provider }) provider: string,
  ): Promise<ProviderTokenType> {
    return providers(context).token(provider, context.authenticated().user.id)
  }
}
