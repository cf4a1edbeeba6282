/** The two halves of a flow: where to send the user, and what to make of the code that they bring back. */
import type { SqlEntityManager } from '@mikro-orm/sqlite'
import { AppError, ErrorCode, badUserInput } from '../../core/errors.ts'
import type { RequestOrigin } from '../../core/sessions/authentication.ts'
import { addressBlock, networkBlock } from '../../core/throttle/address.ts'
import type { Charge, Throttle } from '../../core/throttle/throttle.ts'
import { Identity } from '../../core/users/identity.entity.ts'
import { type Flow, FlowPurpose, type FlowStore } from './flow-store.ts'
import { usableProvidersOf } from './identities.ts'
import type { KeptTokens } from './kept-tokens.ts'
import type { Exchange, ProviderClient } from './provider-client.ts'
import { ProviderErrorCode, unknownProvider } from './provider-error-codes.ts'
import { OtherIssuerFailure, ProviderFailure } from './provider-failure.ts'
import type { ProviderFlowType } from './provider.type.ts'
import { isAllowedRedirectUri } from './redirect-uri.ts'

/** What lives as long as the server. */
export interface Providers {
  readonly clients: ReadonlyMap<string, ProviderClient>
  readonly flows: FlowStore
  readonly keptTokens: KeptTokens
  /** The exact URIs to which a provider's response may go. */
  readonly redirectUris: readonly string[]
  /** Where the server takes responses that a provider posts. */
  readonly formPostUri: (provider: string) => string
}

export interface ProviderFlowsOptions extends Providers {
  readonly em: SqlEntityManager
  readonly throttle: Throttle
  readonly origin: RequestOrigin
  /** What a provider did wrong, for the log. */
  readonly onFailure: (provider: string, failure: ProviderFailure) => void
}

/** What the user brings back from the provider. */
export interface FlowResponse {
  readonly provider: string
  readonly code: string
  readonly state: string
  readonly flowToken: string
  readonly iss: string | undefined
}

/** Flows an hour from one address before delays start. */
const flowsPerAddress = 1000
/** The same for all addresses of a network. */
const flowsPerNetwork = 5000

export class ProviderFlows {
  readonly #options: ProviderFlowsOptions

  constructor(options: ProviderFlowsOptions) {
    this.#options = options
  }

  /**
   * Starts a flow: where to send the user, and what only this client knows of it.
   * @param userId who is signed in: for linking, or to prove that it is still them
   * @throws AppError UNKNOWN_PROVIDER, also to prove it with one that is not linked; BAD_USER_INPUT,
   * RATE_LIMITED, PROVIDER_ERROR
   */
  async begin(
    providerId: string,
    redirectUri: string,
    userId: string | undefined,
    purpose: FlowPurpose,
  ): Promise<ProviderFlowType> {
    const { clients, em, flows, redirectUris } = this.#options
    const provider = this.provider(providerId)
    const isReauthentication = purpose === FlowPurpose.REAUTHENTICATE
    if (isReauthentication) {
      const identities = await em.find(Identity, { user: userId!, provider: provider.id })
      if (usableProvidersOf(identities, clients).length === 0) throw unknownProvider(providerId)
    }
    if (!isAllowedRedirectUri(redirectUri, redirectUris)) {
      throw badUserInput('redirectUri', 'This redirect URI is not in the server’s REDIRECT_URIS.')
    }
    const charge = await this.#chargeFlow()
    const flow = flows.create(redirectUri, userId ?? null, purpose)
    const authorizationUrl = await this.ask(provider, charge, () =>
      provider.authorizationUrl(
        this.#knownRedirectUri(provider, redirectUri),
        flow,
        isReauthentication,
      ),
    )
    if (!(await flows.keep(provider, flow, networkBlock(this.#options.origin.ip)))) {
      throw new AppError(
        ErrorCode.RATE_LIMITED,
        'Too many provider sign-ins are in progress. Try again later.',
        {
          retryAfter: 60,
        },
      )
    }
    return { authorizationUrl, flowToken: flow.flowToken, expiresAt: new Date(flow.expiresAt) }
  }

  /** @throws AppError UNKNOWN_PROVIDER */
  provider(id: string): ProviderClient {
    const provider = this.#options.clients.get(id)
    if (!provider) throw unknownProvider(id)
    return provider
  }

  /** The redirect URI that the provider gets: the form-post callback if it posts its response, otherwise the client's. */
  #knownRedirectUri(provider: ProviderClient, redirectUri: string): string {
    return provider.definition.responseMode === 'form_post'
      ? this.#options.formPostUri(provider.id)
      : redirectUri
  }

  #chargeFlow(): Promise<Charge> {
    const { origin, throttle } = this.#options
    return throttle.charge([
      { name: 'flow', subject: addressBlock(origin.ip), limit: flowsPerAddress },
      { name: 'flow-network', subject: networkBlock(origin.ip), limit: flowsPerNetwork },
    ])
  }

  /**
   * Uses the flow up, whatever comes of it, and exchanges the code.
   * @param recordRefusal by the provider. What comes without a flow of ours is not recorded: it names
   * no one, has tried nothing, and could be sent without end
   */
  async exchange(
    response: FlowResponse,
    purpose: FlowPurpose,
    isAllowed: (flow: Flow) => boolean,
    recordRefusal: () => Promise<void>,
  ): Promise<{ provider: ProviderClient; exchange: Exchange }> {
    const provider = this.provider(response.provider)
    const flow = await this.#options.flows.take(provider, response, purpose)
    if (!flow || !isAllowed(flow)) {
      throw new AppError(
        ProviderErrorCode.INVALID_FLOW,
        'This sign-in was started elsewhere, was used before, or has expired. Start again.',
        { provider: provider.id },
      )
    }
    try {
      const exchange = await this.ask(provider, undefined, () =>
        provider.exchange(
          {
            redirectUri: this.#knownRedirectUri(provider, flow.redirectUri),
            code: response.code,
            state: response.state,
            iss: response.iss,
          },
          flow,
          purpose === FlowPurpose.REAUTHENTICATE ? flow.startedAt : undefined,
        ),
      )
      for (const failure of exchange.shortfalls) this.#options.onFailure(provider.id, failure)
      const { profile } = exchange
      const named = { ...profile, name: profile.name ?? flow.name }
      return { provider, exchange: { ...exchange, profile: named } }
    } catch (error) {
      if (error instanceof AppError && error.code === ProviderErrorCode.PROVIDER_ERROR) {
        await recordRefusal()
      }
      throw error
    }
  }

  /** Finds, or makes, the identity of a profile. */
  async identify<T>(
    provider: ProviderClient,
    work: () => Promise<T>,
    recordRefusal: () => Promise<void>,
  ): Promise<T> {
    try {
      return await this.ask(provider, undefined, work)
    } catch (error) {
      if (error instanceof AppError && error.code === ProviderErrorCode.PROVIDER_ERROR) {
        await recordRefusal()
      }
      throw error
    }
  }

  /** The provider's failures end here. */
  async ask<T>(
    provider: ProviderClient,
    charge: Charge | undefined,
    question: () => Promise<T>,
    message = `${provider.name} refused the sign-in or could not be reached. Try again.`,
  ): Promise<T> {
    try {
      return await question()
    } catch (error) {
      await charge?.refund()
      if (!(error instanceof ProviderFailure)) throw error
      this.#options.onFailure(provider.id, error)
      throw new AppError(
        ProviderErrorCode.PROVIDER_ERROR,
        error instanceof OtherIssuerFailure ? describeOtherIssuer(provider) : message,
        { provider: provider.id },
        { cause: error },
      )
    }
  }
}

function describeOtherIssuer({ name }: ProviderClient): string {
  return `This ${name} account was used here when another issuer had that name. Ask the operator of this service.`
}
