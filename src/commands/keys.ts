/** `npm run keys -- list | rotate | reset`: the signing keys of the running server. */
import { sql } from 'kysely'
import { appSecretFile, makeAppSecret } from '../process/app-secret.ts'
import { EventActor, EventType } from '../core/audit/event.ts'
import { loadConfig, type Config } from '../config/config.ts'
import type { Database } from '../database/database.ts'
import { loadSettings } from '../process/settings.ts'
import { jwksMaxAgeSeconds, KeyRing } from '../core/tokens/key-ring.ts'
import { Secrets } from '../core/tokens/secrets.ts'
import { operatorTrail } from './operator-trail.ts'
import { CommandError, run } from './run.ts'
import { withDatabase } from './with-database.ts'

const actor = EventActor.OPERATOR

const usage = `Usage: npm run keys -- <command>

  list     the keys: next, current and retired
  rotate   next becomes current; valid tokens stay valid
  reset    forget every key and end every session: where APP_SECRET is lost or known to others, or
           the database is older than its sessions (docs/guides/backup.md)`

await run(async () => {
  const [command, ...rest] = process.argv.slice(2)
  if (rest.length > 0) throw new CommandError(usage)
  if (command === 'list') return withKeyRing(loadSettings(process.env), list)
  if (command === 'rotate') return withKeyRing(loadSettings(process.env), rotate)
  if (command === 'reset') return reset()
  throw new CommandError(usage)
})

async function list(keyRing: KeyRing): Promise<string> {
  const keys = await keyRing.list()
  return keys
    .map((key) => {
      const until = key.removableAt === null ? '' : `  verifies until ${time(key.removableAt)}`
      return `${key.kid}  ${key.algorithm}  ${key.state.padEnd(7)}  made ${time(key.createdAt)}${until}`
    })
    .join('\n')
}

async function rotate(keyRing: KeyRing, database: Database): Promise<string> {
  const next = (await keyRing.list()).find(({ state }) => state === 'next')
  await keyRing.rotate()
  const publishedMilliseconds = Date.now() - (next?.createdAt ?? 0)
  if (publishedMilliseconds < jwksMaxAgeSeconds * 1000) {
    console.error(
      `Note: the key that signs now was published only ${Math.round(publishedMilliseconds / 1000)} seconds ago. A service that uses an older copy of the JWKS may refuse new tokens, for ${jwksMaxAgeSeconds / 60} minutes at most.`,
    )
  }
  const type = EventType.KEYS_ROTATED
  await operatorTrail().record(database.em.fork(), { type, userId: null, actor })
  return `Rotated. The running server signs with the new key within seconds.\n${await list(keyRing)}`
}

/** The way out when the secret is lost: new secret, new keys, nobody signed in. */
async function reset(): Promise<string> {
  const config = loadConfig(process.env)
  const { database } = config
  const appSecret =
    config.appSecret ?? (database.engine === 'sqlite' ? makeAppSecret(database.file) : undefined)
  if (appSecret === undefined) throw new CommandError('Set APP_SECRET.')
  return withKeyRing({ ...config, appSecret }, async (keyRing, opened) => {
    await operatorTrail().transactional(opened.em.fork(), async (tx, record) => {
      const ended = await sql`delete from sessions`.execute(tx.getKysely())
      const sessionsEnded = Number(ended.numAffectedRows)
      await record({ type: EventType.KEYS_RESET, userId: null, actor, sessionsEnded })
    })
    await keyRing.reset()
    const where =
      config.appSecret === undefined && database.engine === 'sqlite'
        ? ` The secret is in ${appSecretFile(database.file)}.`
        : ''
    const cached = `Services that verify tokens may use a copy of the old JWKS for ${jwksMaxAgeSeconds / 60} minutes more: restart them if a key was stolen.`
    return `New keys are made and every session is ended.${where} Restart the server.\n${cached}`
  })
}

function withKeyRing(
  settings: Config & { readonly appSecret: string },
  work: (keyRing: KeyRing, database: Database) => Promise<string>,
): Promise<string> {
  const { tokens } = settings
  return withDatabase(settings, (database) =>
    work(
      new KeyRing({
        database,
        secrets: new Secrets(settings.appSecret),
        clock: Date.now,
        algorithm: tokens.algorithm,
        rotationSeconds: tokens.keyRotationSeconds,
      }),
      database,
    ),
  )
}

function time(milliseconds: number): string {
  return new Date(milliseconds).toISOString()
}
