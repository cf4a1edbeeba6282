/** `npm run keys -- list | rotate | reset`: the signing keys of the running server. */
import { appSecretFile, makeAppSecret } from '../process/app-secret.ts'
import { loadConfig, type Config } from '../config/config.ts'
import { loadSettings, type SecretSettings } from '../process/settings.ts'
import { resetKeys, rotateKeys, type KeyOperationOptions } from '../core/tokens/key-operations.ts'
import { jwksMaxAgeSeconds, KeyRing } from '../core/tokens/key-ring.ts'
import { DerivedKeys } from '../core/tokens/derived-keys.ts'
import { operatorTrail } from './operator-trail.ts'
import { parseCommandLine, withoutCommand } from './arguments.ts'
import { CommandError, run } from './run.ts'
import { usage } from './usage.ts'
import { requireDatabase, withDatabase, withDatabaseAsItIs } from './with-database.ts'

await run(async () => {
  const [command] = parseCommandLine(usage.keys, {}, 1).positionals
  if (command === 'list') return withKeyRing(readSettings(), list, withDatabaseAsItIs)
  if (command === 'rotate') return withKeyRing(readSettings(), rotate)
  if (command === 'reset') return reset()
  throw new CommandError(withoutCommand(command, usage.keys))
}, usage.keys)

/** Not before there is a database: it would create a secret for it. */
function readSettings(): ReturnType<typeof loadSettings> {
  requireDatabase(loadConfig(process.env))
  return loadSettings(process.env)
}

async function list({ keyRing }: KeyOperationOptions): Promise<string> {
  const keys = await keyRing.list()
  return keys
    .map((key) => {
      const until = key.removableAt === null ? '' : `  verifies until ${time(key.removableAt)}`
      return `${key.kid}  ${key.algorithm}  ${key.state.padEnd(7)}  made ${time(key.createdAt)}${until}`
    })
    .join('\n')
}

async function rotate(operation: KeyOperationOptions): Promise<string> {
  const next = (await operation.keyRing.list()).find(({ state }) => state === 'next')
  await rotateKeys(operation)
  const publishedMilliseconds = Date.now() - (next?.createdAt ?? 0)
  if (publishedMilliseconds < jwksMaxAgeSeconds * 1000) {
    console.error(
      `Note: the key that signs now was published only ${Math.round(publishedMilliseconds / 1000)} seconds ago. A service that uses an older copy of the JWKS may refuse new tokens, for ${jwksMaxAgeSeconds / 60} minutes at most.`,
    )
  }
  return `Rotated. The running server signs with the new key within seconds.\n${await list(operation)}`
}

/** For a secret that is lost: a new secret, new keys, and no sessions. */
async function reset(): Promise<string> {
  const config = loadConfig(process.env)
  requireDatabase(config)
  const { database } = config
  const appSecret =
    config.appSecret ?? (database.engine === 'sqlite' ? makeAppSecret(database.file) : undefined)
  if (appSecret === undefined) throw new CommandError('Set APP_SECRET.')
  return withKeyRing({ ...config, appSecret }, async (operation) => {
    await resetKeys(operation)
    const where =
      config.appSecret === undefined && database.engine === 'sqlite'
        ? ` The secret is in ${appSecretFile(database.file)}.`
        : ''
    const cached = `Services that verify tokens may use a copy of the old JWKS for ${jwksMaxAgeSeconds / 60} minutes more: restart them if a key was stolen.`
    return `New keys are made and every session is ended.${where} Restart the server.\n${cached}`
  })
}

function withKeyRing(
  settings: Config & SecretSettings,
  work: (operation: KeyOperationOptions) => Promise<string>,
  open = withDatabase<string>,
): Promise<string> {
  const { tokens } = settings
  return open(settings, (database) => {
    const keyRing = new KeyRing({
      database,
      derivedKeys: new DerivedKeys(settings.appSecret),
      clock: Date.now,
      algorithm: tokens.algorithm,
      rotationSeconds: tokens.keyRotationSeconds,
      unusedSecretFile: settings.unusedSecretFile,
    })
    return work({ audit: operatorTrail(), database, keyRing })
  })
}

function time(milliseconds: number): string {
  return new Date(milliseconds).toISOString()
}
