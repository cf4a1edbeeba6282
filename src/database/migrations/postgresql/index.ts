/** Every migration of this engine, in the order in which they run. The other engine has the same ones. */
import { Initial } from './0001-initial.ts'
import { Providers } from './0002-providers.ts'
import { Audit } from './0003-audit.ts'
import { AuthenticationTime } from './0004-authentication-time.ts'
import { RepeatsAndInitialPasswords } from './0005-repeats-and-initial-passwords.ts'
import { Issuers } from './0006-issuers.ts'
import { FlowNetworks } from './0008-flow-networks.ts'
import { AuthenticationMethods } from './0009-authentication-methods.ts'

export const migrations = [
  Initial,
  Providers,
  Audit,
  AuthenticationTime,
  RepeatsAndInitialPasswords,
  Issuers,
  FlowNetworks,
  AuthenticationMethods,
]
