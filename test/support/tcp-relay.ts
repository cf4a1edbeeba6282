/** A stretch of network that a test can break: passes bytes on, swallows them, or refuses to. */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

export interface TcpRelay {
  readonly port: number
  /** From now on nothing passes, and no one is told: neither on old connections nor on new ones. */
  swallow(): void
  /** Cuts every connection, and each new one as soon as it is made. */
  cut(): void
  /** New connections pass again. Old ones stay as they are, like those that a router has forgotten. */
  pass(): void
  close(): Promise<void>
}

export async function startTcpRelay(target: { host: string; port: number }): Promise<TcpRelay> {
  let mode: 'pass' | 'swallow' | 'cut' = 'pass'
  const sockets = new Set<Socket>()
  const keep = (socket: Socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket)).on('error', () => socket.destroy())
  }
  const server = createServer((inside) => {
    keep(inside)
    if (mode === 'cut') return void inside.destroy()
    if (mode === 'swallow') return void inside.pause()
    const outside = connect(target.port, target.host)
    keep(outside)
    inside.pipe(outside).pipe(inside)
    inside.on('close', () => outside.destroy())
    outside.on('close', () => inside.destroy())
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  return {
    port: (server.address() as AddressInfo).port,
    swallow: () => {
      mode = 'swallow'
      for (const socket of sockets) socket.unpipe().pause()
    },
    cut: () => {
      mode = 'cut'
      for (const socket of sockets) socket.destroy()
    },
    pass: () => void (mode = 'pass'),
    close: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => {
        server.close(resolve)
      })
    },
  }
}
