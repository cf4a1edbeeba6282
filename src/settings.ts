/** The configuration with its secret: what the server and the operators' commands start from. */
import { existsSync } from 'node:fs'
import { readOrMakeAppSecret } from './app-secret.ts'
import { ConfigError, loadConfig, type Config } from './config.ts'

/**
 * Adds what the file `.env` sets, if there is one; the environment has precedence.
 * @throws ConfigError
 */
export function loadEnvFile(): void {
  if (!existsSync('.env')) return
  try {
    process.loadEnvFile('.env')
  } catch (error) {
    throw new ConfigError(['.env cannot be read: it must be a file that this user may read.'], {
      cause: error,
    })
  }
}

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
