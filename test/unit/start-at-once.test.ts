import { expect, it } from 'vitest'
import { startProcess, temporaryFolder } from '../support/process.ts'

it('lets servers start at once on one database that is not there yet', async () => {
  // One round may miss the moment; three hardly do.
  for (let round = 0; round < 3; round += 1) {
    const folder = temporaryFolder()
    const servers = [1, 2, 3].map(() => startProcess(folder, { PORT: '0' }))
    const urls = await Promise.all(servers.map((server) => server.ready))
    const keys = await Promise.all(
      urls.map(async (url) => (await fetch(`${url}/.well-known/jwks.json`)).text()),
    )
    expect(new Set(keys).size).toBe(1)
    for (const server of servers) server.child.kill('SIGKILL')
  }
})
