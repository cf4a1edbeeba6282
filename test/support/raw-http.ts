/** Requests as bytes on a socket, for what no HTTP client would send. */
import { connect, type Socket } from 'node:net'

export interface RawAnswer {
  /** Everything that came until the server closed the connection. */
  readonly text: string
  /** Of the first response; undefined if the connection was closed without one. */
  readonly status: number | undefined
  readonly headers: Headers
  readonly body: string
}

/** Opens a connection and sends what is given, one character a byte. */
export function openSocket(url: string, bytes: string | Buffer): Socket {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes)
  return socket
}

/** Collects what comes until the server closes the connection. */
export async function readUntilClosed(socket: Socket): Promise<RawAnswer> {
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  // A reset is a way of closing, too.
  socket.on('error', () => {})
  await new Promise((resolve) => {
    socket.once('close', resolve)
  })
  const text = Buffer.concat(chunks).toString('latin1')
  const [head = '', ...rest] = text.split('\r\n\r\n')
  const [statusLine = '', ...lines] = head.split('\r\n')
  return {
    text,
    status: statusLine === '' ? undefined : Number(statusLine.split(' ')[1]),
    headers: new Headers(
      lines.map((line): [string, string] => {
        const colon = line.indexOf(':')
        return [line.slice(0, colon), line.slice(colon + 1).trim()]
      }),
    ),
    body: rest.join('\r\n\r\n'),
  }
}

export async function sendRaw(url: string, bytes: string | Buffer): Promise<RawAnswer> {
  return readUntilClosed(openSocket(url, bytes))
}

/** A request on a connection that is closed after the response; `headers` and `body` go out as they are. */
export function rawRequest(line: string, headers: readonly string[] = [], body = ''): string {
  return [
    `${line} HTTP/1.1`,
    ...(headers.some((header) => /^host:/i.test(header)) ? [] : ['Host: localhost']),
    'Connection: close',
    ...headers,
    ...(body === '' ? [] : [`Content-Length: ${Buffer.from(body, 'latin1').length}`]),
    '',
    body,
  ].join('\r\n')
}
