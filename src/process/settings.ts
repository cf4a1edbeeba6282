/** The configuration with its secret: what the server and the operators' commands start from. */
import { existsSync } from 'node:fs'
import { appSecretFile, readOrMakeAppSecret } from './app-secret.ts'
import { ConfigError, loadConfig, type Config } from '../config/config.ts'
import { checkDatabaseFile } from '../database/sqlite-file.ts'
import { EnvFileError, readEnvFile } from './env-file.ts'

const envFile = '.env'

/**
 * Adds what the file `.env` sets, if there is one; the environment has precedence.
 * @returns what was not read as it may have been meant
 * @throws ConfigError
 */
export function loadEnvFile(): readonly string[] {
  if (!existsSync(envFile)) return []
  try {
    const { variables, warnings } = readEnvFile(envFile)
    for (const [name, value] of Object.entries(variables)) process.env[name] ??= value
    return warnings
  } catch (error) {
    if (!(error instanceof EnvFileError)) throw error
    throw new ConfigError([`${envFile} ${error.message}`], { cause: error })
  }
}

export interface SecretSettings {
  readonly appSecret: string
  /** What an earlier start without APP_SECRET created, while APP_SECRET is set. */
  readonly unusedSecretFile?: string | undefined
}

/** @throws ConfigError, AppSecretError, DatabaseStartError */
export function loadSettings(
  env: Readonly<Record<string, string | undefined>>,
): Config & SecretSettings {
  const config = loadConfig(env)
  const { appSecret, database } = config
  if (appSecret === undefined) return { ...config, appSecret: secretOf(database) }
  const file = database.engine === 'sqlite' ? appSecretFile(database.file) : undefined
  const unusedSecretFile = file !== undefined && existsSync(file) ? file : undefined
  return { ...config, appSecret, unusedSecretFile }
}

function secretOf(database: Config['database']): string {
  // loadConfig has refused a PostgreSQL database without a secret.
  if (database.engine !== 'sqlite') throw new Error('APP_SECRET is not set')
  // Without a secret a folder, or another program's file, would pass for a database that has lost its own.
  checkDatabaseFile(database.file)
  return readOrMakeAppSecret(database.file)
}
