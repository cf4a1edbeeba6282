/** Providers and flows, as the API shows them. */
import { GraphQLDateTime } from 'graphql-scalars'
import { Field, ID, ObjectType, registerEnumType } from 'type-graphql'
import { FlowPurpose } from './flow-store.ts'

registerEnumType(FlowPurpose, {
  name: 'ProviderFlowPurpose',
  description: 'What a flow with a provider is good for.',
  valuesConfig: {
    SIGN_IN: {
      description: 'For `loginWithProvider`, and for `linkProvider` if begun with an access token.',
    },
    REAUTHENTICATE: {
      description:
        'For `reauthenticateWithProvider`: the provider is asked to authenticate the user again. Needs an access token, and a provider that is linked to the account.',
    },
  },
})

@ObjectType('Provider', { description: 'A way to sign in with an account from elsewhere.' })
export class ProviderType {
  @Field(() => ID, { description: 'What other fields take as `provider`, for example `google`.' })
  id!: string

  @Field(() => String, { description: 'What to write on the button, for example `Google`.' })
  name!: string
}

@ObjectType('ProviderFlow', { description: 'A sign-in with a provider that has begun.' })
export class ProviderFlowType {
  @Field(() => String, { description: 'Where to send the person.' })
  authorizationUrl!: string

  @Field(() => String, {
    description:
      'Proves, together with `state`, that the answer belongs to the client that began. Keep it until the person comes back, and show it to nobody.',
  })
  flowToken!: string

  @Field(() => GraphQLDateTime, { description: 'When the flow is forgotten: after ten minutes.' })
  expiresAt!: Date
}

@ObjectType('ProviderToken', { description: "A token for the provider's own API." })
export class ProviderTokenType {
  @Field(() => String, { description: "For the provider's API; not for this one." })
  accessToken!: string

  @Field(() => GraphQLDateTime, {
    nullable: true,
    description: 'When it expires; null where the provider did not say.',
  })
  expiresAt!: Date | null

  @Field(() => [String], { description: 'What the person has agreed to.' })
  scopes!: string[]
}
