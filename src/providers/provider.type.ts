import { Field, ID, ObjectType } from 'type-graphql'

@ObjectType('Provider', { description: 'A way to sign in with an account from elsewhere.' })
export class ProviderType {
  @Field(() => ID, { description: 'What other fields take as `provider`, for example `google`.' })
  id!: string

  @Field(() => String, { description: 'What to write on the button, for example `Google`.' })
  name!: string
}
