/**
 * What `me` costs at the very least: node:http, an HS256 token verified by node:crypto, one read by
 * primary key. No GraphQL, no checks beyond these, no log, no headers.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { createServer } from 'node:http'
import Sqlite from 'better-sqlite3'

const { BARE_DATABASE: file = '', BARE_SECRET: secret = '', PORT: port } = process.env

interface UserRow {
  readonly id: string
  readonly email: string
  readonly name: string
  readonly roles: string
}

const database = new Sqlite(file, { readonly: true })
const findUser = database.prepare<[string], UserRow>(
  'select id, email, name, roles from users where id = ?',
)

createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const { query } = JSON.parse(Buffer.concat(chunks).toString('utf8')) as { query?: string }
    const userId = verify(request.headers.authorization?.slice('Bearer '.length) ?? '')
    const user = userId === undefined ? undefined : findUser.get(userId)
    if (query === undefined || !user) {
      response.writeHead(401).end()
      return
    }
    const { id, email, name, roles } = user
    const body = JSON.stringify({
      data: { me: { id, email, name, roles: JSON.parse(roles) as string[] } },
    })
    response
      .writeHead(200, {
        'content-type': 'application/json; charset=utf-8',
        'content-length': Buffer.byteLength(body),
      })
      .end(body)
  })
}).listen(Number(port), '127.0.0.1')

/** @returns the subject of a token that is ours and still valid */
function verify(token: string): string | undefined {
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
