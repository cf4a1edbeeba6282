import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { handleInTurn } from '../../src/http/pipelines.ts'

type Handler = (request: IncomingMessage, response: ServerResponse) => unknown

async function listening(handler: Handler, limit?: number): Promise<Server> {
  const server = createServer()
  handleInTurn(server, (request, response) => void handler(request, response), limit)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  return server
}

function open(server: Server): Socket {
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  return socket
}

const connected = async (handler: Handler) => open(await listening(handler))

const get = (path: number | string) => `GET /${path} HTTP/1.1\r\nHost: a\r\n\r\n`
const gets = (count: number) => Array.from({ length: count }, (_, index) => get(index)).join('')

async function read(socket: Socket, isComplete: (text: string) => boolean): Promise<string> {
  let text = ''
  socket.on('data', (chunk) => {
    text += String(chunk)
    if (isComplete(text)) socket.destroy()
  })
  // A reset is an end, too.
  socket.on('error', () => {})
  await once(socket, 'close')
  return text
}

describe('the requests of one connection', () => {
  it('are handled one at a time and in order, however many come at once', async () => {
    let underWay = 0
    const most: number[] = []
    const socket = await connected((request, response) => {
      underWay += 1
      most.push(underWay)
      response.on('finish', () => void (underWay -= 1))
      setImmediate(() => response.end(`<${request.url}>`))
    })
    // More than Node parses at once.
    const count = 400
    const long = 'a'.repeat(500)
    for (let index = 0; index < count; index++) socket.write(get(`${index}?${long}`))
    const text = await read(socket, (received) => received.includes(`</${count - 1}?`))
    const paths = Array.from(text.matchAll(/<\/(\d+)\?/g), ([, path]) => Number(path))
    expect(paths).toEqual(Array.from({ length: count }, (_, index) => index))
    expect(Math.max(...most)).toBe(1)
  })

  it('get their bodies, those that wait too', async () => {
    const socket = await connected(async (request, response) => {
      let body = ''
      for await (const chunk of request) body += String(chunk)
      response.end(`<${body.length}>`)
    })
    const sizes = [10, 200_000, 0, 100_000, 5]
    for (const size of sizes) {
      socket.write(
        `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${size}\r\n\r\n${'a'.repeat(size)}`,
      )
    }
    const text = await read(socket, (received) => received.endsWith('<5>'))
    expect(Array.from(text.matchAll(/<(\d+)>/g), ([, size]) => Number(size))).toEqual(sizes)
  })

  it('are not handled after a response that ends the connection', async () => {
    const handled: unknown[] = []
    const socket = await connected((request, response) => {
      handled.push(request.url)
      if (request.url === '/1') response.setHeader('connection', 'close')
      response.end()
    })
    socket.write(gets(10))
    await read(socket, () => false)
    expect(handled).toEqual(['/0', '/1'])
  })

  it('are not handled after their client has left', async () => {
    const handled: unknown[] = []
    const first = Promise.withResolvers<ServerResponse>()
    const socket = await connected((request, response) => {
      handled.push(request.url)
      first.resolve(response)
    })
    socket.write(gets(10))
    const response = await first.promise
    socket.resetAndDestroy()
    // What waits is not read, so the server notices when it writes.
    response.write('a'.repeat(1000))
    const timer = setInterval(() => response.write('a'), 5)
    await once(response, 'close')
    clearInterval(timer)
    expect(handled).toEqual(['/0'])
  })

  it('end the connection if too many wait, and then those of others have room again', async () => {
    const handled: unknown[] = []
    const handler: Handler = (request, response) => {
      handled.push(request.url)
      if (handled.length > 1) response.end()
    }
    const server = await listening(handler, 100)
    const greedy = open(server)
    greedy.write(gets(102))
    await read(greedy, () => false)
    expect(handled).toEqual(['/0'])
    const other = open(server)
    other.write(gets(100))
    await read(other, () => handled.length === 101)
  })
})
