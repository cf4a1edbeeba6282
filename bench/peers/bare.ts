/**
 * What a request costs at the very least: node:http, a token verified, one read by primary key. No
 * GraphQL, no checks beyond these, no log. And a refresh of the least honest work: one durable update
 * and one signature.
 */
import { createHmac, randomUUID, timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import Sqlite from 'better-sqlite3'
import { SignJWT, generateKeyPair, jwtVerify } from 'jose'

const { BENCH_DATABASE: file = '', BENCH_SECRET: secret = '', PORT: port } = process.env

interface UserRow {
  readonly id: string
  readonly email: string
  readonly name: string
  readonly roles: string
}

const database = new Sqlite(file)
database.pragma('journal_mode = WAL')
database.pragma('synchronous = FULL')
const findUser = database.prepare<[string], UserRow>(
  'select id, email, name, roles from users where id = ?',
)
const rotate = database.prepare<[string], { generation: number; user_id: string }>(
  'update sessions set generation = generation + 1 where id = ? returning generation, user_id',
)
const begin = database.prepare('insert into sessions (id, user_id, generation) values (?, ?, 0)')
const keys = await generateKeyPair('EdDSA')

const answers: Record<string, (request: IncomingMessage, body: Body) => unknown> = {
  '/hs256': ({ headers }) => readMe(verifyHs256(bearer(headers.authorization))),
  '/eddsa': async ({ headers }) => {
    const { payload } = await jwtVerify(bearer(headers.authorization), keys.publicKey)
    return readMe(payload.sub)
  },
  '/eddsa/token': async (_request, { userId }) => ({ accessToken: await sign(String(userId)) }),
  '/session': (_request, { userId }) => {
    const id = randomUUID()
    begin.run(id, String(userId))
    return { refreshToken: id }
  },
  '/refresh': async (_request, { refreshToken }) => {
    const session = rotate.get(String(refreshToken))
    if (!session) return undefined
    return { accessToken: await sign(session.user_id), refreshToken }
  },
}

type Body = Readonly<Record<string, unknown>>

createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    void answer(request, response, Buffer.concat(chunks).toString('utf8'))
  })
}).listen(Number(port), '127.0.0.1')

async function answer(request: IncomingMessage, response: ServerResponse, text: string) {
  try {
    const work = answers[request.url ?? '']
    const result = work && (await work(request, JSON.parse(text) as Body))
    if (result === undefined) throw new Error('Nothing to answer')
    const body = JSON.stringify(result)
    response
      .writeHead(200, {
        'content-type': 'application/json; charset=utf-8',
        'content-length': Buffer.byteLength(body),
      })
      .end(body)
  } catch {
    response.writeHead(401, { 'content-length': 0 }).end()
  }
}

function readMe(userId: string | undefined) {
  const user = userId === undefined ? undefined : findUser.get(userId)
  if (!user) return undefined
  const { id, email, name, roles } = user
  return { data: { me: { id, email, name, roles: JSON.parse(roles) as string[] } } }
}

function bearer(authorization: string | undefined): string {
  return authorization?.slice('Bearer '.length) ?? ''
}

function sign(userId: string): Promise<string> {
  return new SignJWT({ sub: userId })
    .setProtectedHeader({ alg: 'EdDSA' })
    .setExpirationTime('2h')
    .sign(keys.privateKey)
}

/** @returns the subject of a token that is ours and still valid */
function verifyHs256(token: string): string | undefined {
  const [header = '', payload = '', signature = ''] = token.split('.')
  const expected = createHmac('sha256', secret).update(`${header}.${payload}`).digest()
  const given = Buffer.from(signature, 'base64url')
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined
  const { alg } = JSON.parse(Buffer.from(header, 'base64url').toString('utf8')) as { alg: string }
  const { exp, sub } = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as {
    exp: number
    sub: string
  }
  return alg === 'HS256' && exp > Date.now() / 1000 ? sub : undefined
}
