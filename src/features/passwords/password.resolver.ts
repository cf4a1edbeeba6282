import { Arg, Ctx, Mutation, Resolver } from 'type-graphql'
import type { Context } from '../../context.ts'
import { passwords } from './passwords.ts'
import { Authorized } from '../../graphql/authorized.ts'
import type { AuthPayload } from '../../core/sessions/auth-payload.ts'
import { TokenTransport } from '../../core/sessions/token-transport.ts'
import { AuthPayloadType } from '../account/session.type.ts'

const transportDescription = 'How the refresh token is sent.'

@Resolver()
export class PasswordResolver {
  @Mutation(() => AuthPayloadType, {
    complexity: 50,
    description:
      'Creates an account and signs the user in. Fails with `EMAIL_TAKEN` if an account has the e-mail address, and with `BAD_USER_INPUT` if an argument breaks a rule.',
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
        'The name to display for the user; at most 200 characters (Unicode code points).',
    })
    name?: string | null,
  ): Promise<AuthPayload> {
    return passwords(context).register({ email, password, name: name ?? undefined }, transport)
  }

  @Mutation(() => AuthPayloadType, {
    complexity: 50,
    description:
      'Signs in with a password. Fails with `INVALID_CREDENTIALS` whether the e-mail address or the password was wrong, and with `RATE_LIMITED` after too many failures or while the server is busy.',
  })
  login(
    @Ctx() context: Context,
    @Arg('email', () => String, {
      description: 'The e-mail address of the account, in upper or lower case.',
    })
    email: string,
    @Arg('password', () => String, { description: 'The current password.' }) password: string,
    @Arg('transport', () => TokenTransport, {
      defaultValue: TokenTransport.BODY,
      description: transportDescription,
    })
    transport: TokenTransport,
  ): Promise<AuthPayload> {
    return passwords(context).login({ email, password }, transport)
  }

  @Authorized()
  @Mutation(() => AuthPayloadType, {
    complexity: 50,
    description:
      "Changes the user's password, or sets the first one, and revokes the user's other sessions. The tokens of this session are replaced; the new refresh token is sent the same way as the old one. Setting a first password, or replacing an expired one that an operator set, fails with `REAUTHENTICATION_REQUIRED` if the user's last proof of identity is more than 5 minutes old.",
  })
  changePassword(
    @Ctx() context: Context,
    @Arg('newPassword', () => String, { description: 'Follows the same rules as for `register`.' })
    newPassword: string,
    @Arg('currentPassword', () => String, {
      nullable: true,
      description:
        'Required unless the account has no password yet, or its password was set by an operator and has expired and the user can prove their identity with a linked provider.',
    })
    currentPassword?: string | null,
  ): Promise<AuthPayload> {
    const { user, sessionId } = context.authenticated()
    return passwords(context).change(
      { userId: user.id, sessionId },
      { currentPassword: currentPassword ?? undefined, newPassword },
    )
  }

  @Authorized()
  @Mutation(() => AuthPayloadType, {
    complexity: 50,
    description:
      "Proves the user's identity again with the password, for fields that need a recent proof (`@requiresFresh`). The session stays the same; its tokens are replaced, and the new refresh token is sent the same way as the old one. Fails with `INVALID_CREDENTIALS`, and with `RATE_LIMITED` as `login` does.",
  })
  reauthenticate(
    @Ctx() context: Context,
    @Arg('password', () => String, { description: 'The current password.' }) password: string,
  ): Promise<AuthPayload> {
    return passwords(context).reauthenticate(context.sessionReference(), password)
  }
}
