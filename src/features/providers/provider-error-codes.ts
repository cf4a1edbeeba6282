import { AppError, codesOf, type ErrorCodes } from '../../core/errors.ts'

export const providerErrorCodes = {
  UNKNOWN_PROVIDER: { description: 'No provider with this id is configured.' },
  INVALID_FLOW: {
    description:
      'The flow of a provider sign-in belongs to another client, was used before, has expired, or its state differs.',
  },
  PROVIDER_ERROR: { description: 'The provider refused the sign-in or sent an invalid response.' },
  LINK_REQUIRED: {
    description:
      "An account has the provider's e-mail address, and this sign-in may not join it: sign in to that account and call `linkProvider`.",
  },
} as const satisfies ErrorCodes

/** Why a sign-in with a provider failed, as `extensions.code`. */
export const ProviderErrorCode = codesOf(providerErrorCodes)

export const providerIdShape = /^[a-z0-9-]{1,64}$/

export function unknownProvider(id: string): AppError {
  // What is not an id may be anything, a secret in the wrong place included.
  const named = providerIdShape.test(id) ? { provider: id } : {}
  return new AppError(ProviderErrorCode.UNKNOWN_PROVIDER, 'This provider is not configured.', named)
}
