import { Arg, Ctx, Mutation, Resolver } from 'type-graphql'
import type { Context } from '../../context.ts'
import { Authorized } from '../../graphql/authorized.ts'
import type { AuthPayload } from '../../core/sessions/auth-payload.ts'
import { TokenTransport } from '../../core/sessions/token-transport.ts'
import { AuthPayloadType } from '../account/session.type.ts'

const transportDescription = 'How the refresh token travels.'

@Resolver()
export class PasswordResolver {
  @Mutation(() => AuthPayloadType, {
    complexity: 50,
    description:
      'Makes an account and signs it in. Fails with `EMAIL_TAKEN` where the address has one, `BAD_USER_INPUT` where an argument breaks a rule.',
  })
  register(
    @Ctx() context: Context,
    @Arg('email', () => String, {
      description: 'Trimmed and lower-cased; at most 254 bytes.',
    })
    email: string,
    @Arg('password', () => String, {
      description:
        'At least 8 characters (Unicode code points) and at most 72 bytes of UTF-8, both after Unicode normalization (NFC), and not the e-mail address.',
    })
    password: string,
    @Arg('transport', () => TokenTransport, {
      defaultValue: TokenTransport.BODY,
      description: transportDescription,
    })
    transport: TokenTransport,
    @Arg('name', () => String, {
      nullable: true,
      description:
        'What the user wants to be called; at most 200 characters (Unicode code points).',
    })
    name?: string | null,
  ): Promise<AuthPayload> {
    return context.passwords.register({ email, password, name: name ?? undefined }, transport)
  }

  @Mutation(() => AuthPayloadType, {
    complexity: 50,
    description:
      'Signs in with a password. Fails with `INVALID_CREDENTIALS` whatever was wrong, and with `RATE_LIMITED` after too many failures, or while too many others are waiting.',
  })
  login(
    @Ctx() context: Context,
    @Arg('email', () => String, { description: 'In any letter case.' }) email: string,
    @Arg('password', () => String, { description: 'As it was registered.' }) password: string,
    @Arg('transport', () => TokenTransport, {
      defaultValue: TokenTransport.BODY,
      description: transportDescription,
    })
    transport: TokenTransport,
  ): Promise<AuthPayload> {
    return context.passwords.login({ email, password }, transport)
  }

  @Authorized()
  @Mutation(() => AuthPayloadType, {
    complexity: 50,
    description:
      'Changes my password, or sets the first one, and ends my other sessions. The tokens of this session are replaced; the new refresh token travels as the old one did. Setting the first one, or replacing one of an operator that has expired, fails with `REAUTHENTICATION_REQUIRED` if I have not proved in the last 5 minutes who I am.',
  })
  changePassword(
    @Ctx() context: Context,
    @Arg('newPassword', () => String, { description: 'The same rules as for `register`.' })
    newPassword: string,
    @Arg('currentPassword', () => String, {
      nullable: true,
      description:
        'Needed unless the account has no password yet, or one of an operator that has expired and a provider to prove with who I am.',
    })
    currentPassword?: string | null,
  ): Promise<AuthPayload> {
    const { user, sessionId } = context.authenticated()
    return context.passwords.change(
      { userId: user.id, sessionId },
      { currentPassword: currentPassword ?? undefined, newPassword },
    )
  }

  @Authorized()
  @Mutation(() => AuthPayloadType, {
    complexity: 50,
    description:
      'Proves with my password that it is still me, for fields that need a recent proof (`@requiresFresh`). The session stays the same; its tokens are replaced, and the new refresh token travels as the old one did. Fails with `INVALID_CREDENTIALS`, and with `RATE_LIMITED` as `login` does.',
  })
  reauthenticate(
    @Ctx() context: Context,
    @Arg('password', () => String, { description: 'As it was registered.' }) password: string,
  ): Promise<AuthPayload> {
    return context.passwords.reauthenticate(context.sessionReference(), password)
  }
}
