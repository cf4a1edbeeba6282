/** Asks the server of this machine whether it is ready: exit status 0 or 1, for a container's health check. */
import { request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { loadConfig } from '../config/config.ts'
import { run } from './run.ts'

const timeoutMilliseconds = 4000
/** Who listens everywhere is found on the loopback. */
const loopbackOf: Record<string, string> = { '0.0.0.0': '127.0.0.1', '::': '::1' }

await run(async () => {
  const { host, port, tls } = loadConfig(process.env)
  const status = await new Promise<number | undefined>((resolve, reject) => {
    const request = (tls ? requestHttps : requestHttp)({
      host: loopbackOf[host] ?? host,
      port,
      path: '/health/ready',
      timeout: timeoutMilliseconds,
      agent: false,
      // The certificate is for the public host name, not for loopback.
      rejectUnauthorized: false,
    })
    request.on('response', (response) => {
      response.resume()
      resolve(response.statusCode)
    })
    request.on('timeout', () => request.destroy(new Error('The server does not answer.')))
    request.on('error', reject)
    request.end()
  }).catch(() => undefined)
  if (status !== 200) process.exitCode = 1
  return status === 200 ? 'ready' : 'not ready'
})
