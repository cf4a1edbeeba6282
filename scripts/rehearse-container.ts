// `npm run container:rehearse`: runs the steps of the Dockerfile if no Docker engine is at hand. Each
// stage is a folder; the last one is made read-only, and its CMD runs in it as its USER, who may write
// nothing but /data and /tmp. Root is needed, to become another user. The Dockerfile is read, not repeated:
// an instruction that is not known here ends the rehearsal. Only the compiler's stage takes its node_modules
// from this checkout.
import { execFileSync, spawn } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import { DockerfileParser, type Copy, type Instruction } from 'dockerfile-ast'
import { npmSettings } from '../test/support/npm.ts'

interface Stage {
  /** Stands for the root of the stage's file system. */
  readonly root: string
  workdir: string
  user: string | undefined
  command: string[] | undefined
  healthCheck: string[] | undefined
  readonly environment: Record<string, string>
}

const context = fileURLToPath(new URL('..', import.meta.url))
/** Folders of the image that stand in the stage's folder; every other path is this machine's. */
const imageFolders = /(?<![\w./-])\/(app|data)(?=[/\s:]|$)/g

function fail(message: string): never {
  console.error(message)
  process.exit(1)
}

if (process.getuid?.() !== 0) fail('The rehearsal needs root, to become a user without rights.')

const work = mkdtempSync(join(tmpdir(), 'latchkey-container-'))
chmodSync(work, 0o755)
const stages = new Map<string, Stage>()
let last: Stage | undefined

try {
  const dockerfile = DockerfileParser.parse(readFileSync(join(context, 'Dockerfile'), 'utf8'))
  for (const instruction of dockerfile.getInstructions()) perform(instruction)
} catch (error) {
  rmSync(work, { recursive: true, force: true })
  throw error
}
await serve(last ?? fail('The Dockerfile has no stage.'))

function perform(instruction: Instruction): void {
  const keyword = instruction.getKeyword()
  const text = instruction.getRawArgumentsContent() ?? ''
  const words = instruction.getArguments().map((argument) => argument.getValue())
  console.error(`${keyword} ${text}`)
  if (keyword === 'FROM') {
    const [image = '', as, name] = words
    if (!/^node:24[\w.-]*$/.test(image)) fail(`The rehearsal has no base ${image}.`)
    last = {
      root: join(work, String(stages.size)),
      workdir: '/',
      user: undefined,
      command: undefined,
      healthCheck: undefined,
      environment: {},
    }
    mkdirSync(last.root)
    stages.set(as?.toUpperCase() === 'AS' ? name! : String(stages.size), last)
    return
  }
  const stage = last ?? fail('The Dockerfile does not begin with FROM.')
  switch (keyword) {
    case 'WORKDIR':
      stage.workdir = posix.resolve(stage.workdir, words[0]!)
      mkdirSync(inside(stage, '.'), { recursive: true })
      break
    case 'COPY':
      copy(stage, text.trim().split(/\s+/), (instruction as Copy).getFromFlag()?.getValue())
      break
    case 'RUN':
      if (/^npm ci(?!.*--omit)/.test(text)) {
        // This checkout has what the same package-lock.json gives, and the stage is thrown away.
        console.error('(taken from this checkout)')
        symlinkSync(join(context, 'node_modules'), inside(stage, 'node_modules'))
        break
      }
      execFileSync('sh', ['-c', mapped(stage, text)], {
        cwd: inside(stage, '.'),
        env: { ...environmentOf(stage), ...networkEnvironment() },
        stdio: ['ignore', 2, 2],
      })
      break
    case 'ENV':
      for (const word of words) {
        const [name, ...value] = word.split('=')
        stage.environment[name!] = mapped(stage, value.join('='))
      }
      break
    case 'USER':
      stage.user = words[0]
      break
    case 'CMD':
      stage.command = JSON.parse(text) as string[]
      break
    case 'HEALTHCHECK':
      stage.healthCheck = JSON.parse(/CMD (\[.*\])$/s.exec(text)![1]!) as string[]
      break
    case 'EXPOSE':
      break
    default:
      fail(`The rehearsal does not know ${keyword}.`)
  }
}

/** The place in the stage's folder of a path in the image. */
function inside(stage: Stage, path: string): string {
  return join(stage.root, posix.resolve(stage.workdir, path))
}

function mapped(stage: Stage, text: string): string {
  return text.replaceAll(imageFolders, (path) => join(stage.root, path))
}

function copy(stage: Stage, words: string[], from: string | null | undefined): void {
  const target = words.pop()!
  const source = from == null ? undefined : (stages.get(from) ?? fail(`No stage ${from}.`))
  for (const word of words) {
    if (!source) requireSent(word)
    const path = source ? inside(source, word) : join(context, word)
    const isFolder = statSync(path).isDirectory()
    // As Docker does: of a folder its contents, of a file the file.
    const to = isFolder || !target.endsWith('/') ? target : posix.join(target, posix.basename(word))
    mkdirSync(dirname(inside(stage, to)), { recursive: true })
    cpSync(path, inside(stage, to), {
      recursive: true,
      verbatimSymlinks: true,
    })
  }
}

/** What .dockerignore keeps back is not there for Docker. */
function requireSent(word: string): void {
  const [all, ...lines] = readFileSync(join(context, '.dockerignore'), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
  const isSent = lines.some((line) => line === `!${word}` || `!${word}`.startsWith(`${line}/`))
  if (all !== '*' || !isSent) fail(`.dockerignore keeps ${word} back.`)
}

/** Nothing of this machine's environment, but where its programs are. */
function environmentOf(stage: Stage): Record<string, string> {
  return {
    // The Node that runs this stands for that of the image.
    PATH: `${dirname(process.execPath)}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`,
    HOME: '/tmp',
    ...stage.environment,
  }
}

/** By which way npm reaches its registry from here, and what it has fetched before. */
function networkEnvironment(): NodeJS.ProcessEnv {
  const names =
    /^(HOME|NODE_EXTRA_CA_CERTS|SSL_CERT_FILE|\w+_proxy|npm_config_(registry|cafile|cache))$/i
  const kept = Object.entries(process.env).filter(([name]) => names.test(name))
  return { ...Object.fromEntries(kept), ...npmSettings }
}

/** Runs the image: what the caller's environment says about it comes after what the Dockerfile says. */
async function serve(stage: Stage): Promise<void> {
  const [uid, gid] = (stage.user ?? '0:0').split(':')
  if (uid === '0' || !/^\d+$/.test(uid!)) fail('USER must be a number other than 0.')
  const given = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => name.startsWith('CONTAINER_')),
  )
  const settings = Object.fromEntries(
    Object.entries(given).map(([name, value]) => [name.slice('CONTAINER_'.length), value!]),
  )
  execFileSync('chmod', ['-R', 'a-w,a+rX', join(stage.root, 'app')])
  const identity = existsSync('/usr/bin/setpriv')
    ? [
        '/usr/bin/setpriv',
        `--reuid=${uid}`,
        `--regid=${gid ?? uid}`,
        '--clear-groups',
        '--no-new-privs',
        '--bounding-set=-all',
        '--inh-caps=-all',
        '--',
      ]
    : fail('setpriv is needed (Debian: util-linux).')
  const environment = { ...environmentOf(stage), ...settings }
  const start = (command: string[]) =>
    spawn(identity[0]!, [...identity.slice(1), ...command], {
      cwd: inside(stage, '.'),
      env: environment,
      stdio: ['ignore', 'inherit', 'inherit'],
    })
  console.error(`Folder: ${stage.root}`)
  const server = start(stage.command ?? fail('The Dockerfile has no CMD.'))
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => server.kill(signal))
  // The health check of a container, on request.
  process.on('SIGUSR2', () => {
    start(stage.healthCheck ?? fail('The Dockerfile has no HEALTHCHECK.')).once('exit', (status) =>
      console.error(`Health check: ${status}`),
    )
  })
  const status = await new Promise<number>((resolve) => {
    server.once('exit', (code, signal) => resolve(signal ? 1 : (code ?? 1)))
  })
  rmSync(work, { recursive: true, force: true })
  process.exit(status)
}
