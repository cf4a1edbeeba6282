import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import fastify from 'fastify'
import { expect, it, onTestFinished } from 'vitest'
import { readSandboxPages } from '../../src/features/sandbox/sandbox-pages.ts'
import { sandbox } from '../../src/features/sandbox/sandbox.ts'

const script = 'const answer = 42\n'.repeat(100)

it.each(['gzip', 'identity'])(
  'gives a page its files also after a build that has replaced them: %s',
  async (encoding) => {
    const root = mkdtempSync(join(tmpdir(), 'latchkey-assets-'))
    const assets = join(root, 'dist', 'sandbox', 'assets')
    mkdirSync(assets, { recursive: true })
    for (const page of ['sandbox.html', 'graphiql.html'])
      writeFileSync(join(assets, '..', page), '')
    writeFileSync(join(assets, 'page-1.js'), script)
    writeFileSync(join(assets, 'page-1.js.gz'), gzipSync(script))
    writeFileSync(join(assets, 'page-1.css'), 'p {}')
    const pages = readSandboxPages(root)!
    rmSync(root, { recursive: true })

    const app = fastify()
    onTestFinished(() => app.close())
    await app.register(sandbox, pages)
    const url = await app.listen({ host: '127.0.0.1', port: 0 })
    const ask = (name: string) =>
      fetch(`${url}/sandbox/assets/${name}`, { headers: { 'accept-encoding': encoding } })
    const compressed = await ask('page-1.js')
    expect(compressed.status).toBe(200)
    expect(compressed.headers.get('content-encoding') ?? 'identity').toBe(encoding)
    expect(compressed.headers.get('cache-control')).toContain('immutable')
    expect(await compressed.text()).toBe(script)
    // Too small to be compressed.
    const small = await ask('page-1.css')
    expect(small.headers.get('content-encoding')).toBeNull()
    expect(await small.text()).toBe('p {}')
    expect((await ask('page-1.js.gz')).status).toBe(404)
  },
)
