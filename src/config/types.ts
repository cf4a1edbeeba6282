/** What the environment configures. Each value is declared in variables.ts, with the path that it has here. */
import type { DatabaseConfig } from './database.ts'
import type { ProviderSettings } from './providers.ts'

export interface Config {
  readonly host: string
  readonly port: number
  /** Processes that serve: this one, or those that it starts. */
  readonly workers: number
  /** An origin, without a trailing slash. */
  readonly publicUrl: string
  /** Undefined when TLS ends at a proxy, or is not used. */
  readonly tls: { readonly certificateFile: string; readonly keyFile: string } | undefined
  readonly database: DatabaseConfig
  /** Undefined when the secret file next to the SQLite database is to be used. */
  readonly appSecret: string | undefined
  readonly tokens: {
    readonly issuer: string
    /** The `aud` claim: the issuer, which stands for this server, and other services. */
    readonly audiences: readonly string[]
    /** The `client_id` claim: the operator's own front ends. */
    readonly clientId: string
    readonly algorithm: Algorithm
    readonly lifetimeSeconds: number
    readonly keyRotationSeconds: number
  }
  readonly sessions: {
    readonly idleLifetimeSeconds: number
    readonly maxLifetimeSeconds: number
    readonly graceSeconds: number
  }
  readonly bcryptCost: number
  readonly allowedOrigins: readonly string[]
  readonly redirectUris: readonly string[]
  readonly providers: readonly ProviderSettings[]
  /** How many proxies are in front, or which IP addresses they have. */
  readonly trustProxy: number | string[] | false
  /** How long an idle connection is kept. */
  readonly keepAliveSeconds: number
  readonly introspection: boolean
  readonly sandbox: boolean
  readonly accountPage: boolean
  readonly brand: Brand
  readonly logLevel: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent'
  readonly registration: 'open' | 'closed'
  readonly throttle: boolean
  readonly auditRetentionSeconds: number
  /** Undefined when metrics are off. */
  readonly metrics: { readonly host: string; readonly port: number } | undefined
  readonly shutdownDelaySeconds: number
}

export type Algorithm = 'EdDSA' | 'ES256' | 'RS256'

/** How the account page looks. */
export interface Brand {
  readonly name: string
  readonly logoFile: string | undefined
  /** `#rrggbb`, in lower case. */
  readonly color: string
  /** Of the text on it. */
  readonly textColor: string
}
