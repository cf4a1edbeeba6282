/** The configuration with its secret: what the server and the operators' commands start from. */
import { readOrMakeAppSecret } from './app-secret.ts'
import { loadConfig, type Config } from './config.ts'

/** @throws ConfigError, AppSecretError */
export function loadSettings(
  env: Readonly<Record<string, string | undefined>>,
): Config & { readonly appSecret: string } {
  const config = loadConfig(env)
  return { ...config, appSecret: config.appSecret ?? secretOf(config.database) }
}

function secretOf(database: Config['database']): string {
  // loadConfig has refused a PostgreSQL database without a secret.
  if (database.engine !== 'sqlite') throw new Error('APP_SECRET is not set')
  return readOrMakeAppSecret(database.file)
}
