/** Providers and flows, as the API shows them. */
import { GraphQLDateTime } from 'graphql-scalars'
import { Field, ID, ObjectType, registerEnumType } from 'type-graphql'
import { FlowPurpose } from './flow-store.ts'

registerEnumType(FlowPurpose, {
  name: 'ProviderFlowPurpose',
  description: 'What a flow with a provider is used for.',
  valuesConfig: {
    SIGN_IN: {
      description:
        'For `loginWithProvider`, and for `linkProvider` if the flow was started with an access token.',
    },
    REAUTHENTICATE: {
      description:
        'For `reauthenticateWithProvider`: the provider is asked to authenticate the user again. Needs an access token, and a provider that is linked to the account.',
    },
  },
})

@ObjectType('Provider', {
  description: 'A provider of identities that users can sign in with, such as Google.',
})
export class ProviderType {
  @Field(() => ID, { description: 'The value of `provider` arguments, for example `google`.' })
  id!: string

  @Field(() => String, { description: 'The text of the sign-in button, for example `Google`.' })
  name!: string
}

@ObjectType('ProviderFlow', { description: 'A sign-in with a provider that has been started.' })
export class ProviderFlowType {
  @Field(() => String, { description: 'Send the user to this URL.' })
  authorizationUrl!: string

  @Field(() => String, {
    description:
      'Proves, together with `state`, that the response belongs to the client that started the flow. Keep it secret until the user comes back.',
  })
  flowToken!: string

  @Field(() => GraphQLDateTime, {
    description: 'When the flow expires: ten minutes after its start.',
  })
  expiresAt!: Date
}

@ObjectType('ProviderToken', { description: "An access token for the provider's own API." })
export class ProviderTokenType {
  @Field(() => String, { description: 'The access token; this server does not accept it.' })
  accessToken!: string

  @Field(() => GraphQLDateTime, {
    nullable: true,
    description: 'When the token expires; null if the provider did not say.',
  })
  expiresAt!: Date | null

  @Field(() => [String], { description: 'The scopes that the user has granted.' })
  scopes!: string[]
}
