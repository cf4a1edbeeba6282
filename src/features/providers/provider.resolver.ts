import { Arg, Ctx, Mutation, Query, Resolver } from 'type-graphql'
import type { Context } from '../../context.ts'
import { Authorized, Fresh } from '../../graphql/authorized.ts'
import type { AuthPayload } from '../../core/sessions/auth-payload.ts'
import { TokenTransport } from '../../core/sessions/token-transport.ts'
import { AuthPayloadType } from '../account/session.type.ts'
import { UserType } from '../account/user.type.ts'
import { FlowPurpose } from './flow-store.ts'
import { ProviderFlowType, ProviderTokenType, ProviderType } from './provider.type.ts'

const descriptions = {
  provider: 'As in `Provider.id`.',
  code: 'The `code` that the provider has put into the redirect URI.',
  state: 'The `state` of the same response.',
  flowToken: 'From `beginProviderLogin`.',
  iss: 'The `iss` of the same response, if it has one (RFC 9207).',
}

@Resolver()
export class ProviderResolver {
  @Query(() => [ProviderType], {
    description: 'The sign-in buttons to show: the providers that this server is configured for.',
  })
  providers(@Ctx() context: Context): ProviderType[] {
    return [...context.services.providers.clients.values()].map(({ id, name }) => ({ id, name }))
  }

  @Mutation(() => ProviderFlowType, {
    complexity: 50,
    description:
      'Begins a sign-in with a provider: OAuth 2.0 authorization code with PKCE. Send the user to `authorizationUrl`; they come back to `redirectUri` with a code. Called with an access token, the flow can also link the account (`linkProvider`).',
  })
  beginProviderLogin(
    @Ctx() context: Context,
    @Arg('provider', () => String, { description: descriptions.provider }) provider: string,
    @Arg('redirectUri', () => String, {
      description:
        'Where the person comes back to: exactly one of the server’s `REDIRECT_URIS` (with any port, if the entry is a loopback IP without a port), or its account page’s `/callback`.',
    })
    redirectUri: string,
    @Arg('purpose', () => FlowPurpose, {
      defaultValue: FlowPurpose.SIGN_IN,
      description: 'What the flow is for. It cannot be used for anything else.',
    })
    purpose: FlowPurpose,
  ): Promise<ProviderFlowType> {
    const { request, viewer } = context
    request.noteCostlyField()
    const isUserNeeded = purpose === FlowPurpose.REAUTHENTICATE
    const userId =
      isUserNeeded || viewer.isAuthenticated ? context.authenticated().user.id : undefined
    return context.providers.begin(provider, redirectUri, userId, purpose)
  }

  @Mutation(() => AuthPayloadType, {
    complexity: 100,
    description:
      'Signs in with the response of a provider; the first time it creates an account. A flow can be used once. If the provider attests the e-mail address and an account has it, the sign-in joins that account, or takes it over if its address was never verified. Any other account with the address is an error: `LINK_REQUIRED`.',
  })
  loginWithProvider(
    @Ctx() context: Context,
    @Arg('provider', () => String, { description: descriptions.provider }) provider: string,
    @Arg('code', () => String, { description: descriptions.code }) code: string,
    @Arg('state', () => String, { description: descriptions.state }) state: string,
    @Arg('flowToken', () => String, { description: descriptions.flowToken }) flowToken: string,
    @Arg('transport', () => TokenTransport, {
      defaultValue: TokenTransport.BODY,
      description: 'How the refresh token travels.',
    })
    transport: TokenTransport,
    @Arg('iss', () => String, { nullable: true, description: descriptions.iss })
    iss?: string | null,
  ): Promise<AuthPayload> {
    return context.providers.login(
      { provider, code, state, flowToken, iss: iss ?? undefined },
      transport,
    )
  }

  @Authorized()
  @Mutation(() => AuthPayloadType, {
    complexity: 100,
    description:
      'Proves with an account of a provider that is linked to mine that it is still me, for fields that need a recent proof (`@requiresFresh`). Takes a flow that I began while signed in, with the purpose `REAUTHENTICATE`. The session stays the same; its tokens are replaced, and the new refresh token travels as the old one did. Fails with `FORBIDDEN` if another account of the provider comes back.',
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
    return context.providers.reauthenticate(
      { provider, code, state, flowToken, iss: iss ?? undefined },
      context.sessionReference(),
    )
  }

  @Authorized()
  @Fresh({ maxAge: '5m' })
  @Mutation(() => UserType, {
    complexity: 100,
    description:
      'Links the account of a provider to mine, with a flow that I began while signed in. Linking it again changes nothing.',
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
    await context.providers.link(
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
      'Unlinks the provider from my account and ends my other sessions that it began. Fails with `LAST_CREDENTIAL` where it is the only way to sign in.',
  })
  async unlinkProvider(
    @Ctx() context: Context,
    @Arg('provider', () => String, { description: descriptions.provider }) provider: string,
  ): Promise<UserType> {
    const { user, sessionId } = context.authenticated()
    await context.providers.unlink(provider, { userId: user.id, sessionId })
    return user
  }

  @Authorized()
  @Fresh({ maxAge: '5m' })
  @Query(() => ProviderTokenType, {
    complexity: 50,
    description:
      "A token for the provider's own API, renewed where it has expired. Only where the operator keeps tokens (`<PROVIDER>_KEEP_TOKENS`).",
  })
  providerToken(
    @Ctx() context: Context,
    @Arg('provider', () => String, { description: descriptions.provider }) provider: string,
  ): Promise<ProviderTokenType> {
    return context.providers.token(provider, context.authenticated().user.id)
  }
}
