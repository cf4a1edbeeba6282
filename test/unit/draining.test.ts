import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import fastify from 'fastify'
import { expect, it } from 'vitest'
import { Draining } from '../../src/http/draining.ts'
import { createNodeServer } from '../../src/http/node-server.ts'
import { openSocket, readUntilClosed } from '../support/raw-http.ts'

// Node takes it for the end of a response that all of it has been written to the socket.
it('a stop does not cut off a response that was written at once and is still being sent', async () => {
  const times = { requestTimeoutMilliseconds: 100_000, keepAliveMilliseconds: 100_000 }
  const draining = new Draining(times.requestTimeoutMilliseconds)
  const server = createNodeServer(times, draining)
  const app = fastify({ serverFactory: (handler) => server.on('request', handler) })
  app.addHook('onRequest', (request, reply, done) => {
    draining.requestStarted(request, reply)
    reply.raw.on('close', () => draining.requestEnded(request, reply))
    done()
  })
  app.addHook('preClose', (done) => {
    draining.start()
    done()
  })
  // More than the system keeps for a reader.
  const characters = 30_000_000
  app.get('/', () => 'a'.repeat(characters))
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = server.address() as AddressInfo

  const socket = openSocket(`http://127.0.0.1:${port}`, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  await once(socket, 'readable')
  const stopped = app.close()
  await expect.poll(() => server.listening, { interval: 1 }).toBe(false)
  expect((await readUntilClosed(socket)).body.length).toBe(characters)
  await stopped
})
