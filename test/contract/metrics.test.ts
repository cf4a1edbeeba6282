// What Prometheus gets, and that no one else does.
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { createSchema } from '../../src/schema.ts'
import { describeStartError } from '../../src/process/start-error.ts'
import { startServer, type TestServer } from '../support/server.ts'

const withMetrics = { METRICS_PORT: '0' }

async function read(server: TestServer): Promise<string> {
  const response = await fetch(`${server.metricsUrl}/metrics`)
  expect(response.status).toBe(200)
  expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/)
  return response.text()
}

/** The samples of a metric, by their labels as they are written. */
function samplesOf(text: string, name: string): Record<string, number> {
  return Object.fromEntries(
    text
      .split('\n')
      .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
      .map((line) => {
        const [, labels = '', value] = /^\w+(?:\{(.*)\})? (\S+)$/.exec(line)!
        return [labels.replaceAll('"', ''), Number(value)]
      }),
  )
}

describe('metrics', () => {
  it('have no listener unless one is asked for', async () => {
    const server = await startServer()
    expect(server.metricsUrl).toBeUndefined()
    expect((await fetch(`${server.url}/metrics`)).status).toBe(404)
  })

  it('are on a listener of their own, and nothing else is', async () => {
    const server = await startServer(withMetrics)
    expect((await fetch(`${server.url}/metrics`)).status).toBe(404)
    for (const path of ['/', '/graphql', '/health/live', '/metrics/', '/metrics.txt']) {
      expect((await fetch(server.metricsUrl + path)).status).toBe(404)
    }
    expect((await fetch(`${server.metricsUrl}/metrics`, { method: 'POST' })).status).toBe(405)
    const head = await fetch(`${server.metricsUrl}/metrics?a=b`, { method: 'HEAD' })
    expect({ status: head.status, text: await head.text() }).toEqual({ status: 200, text: '' })
  })

  it('keep a server from starting whose port is taken', async () => {
    const { metricsUrl } = await startServer(withMetrics)
    const { port } = new URL(metricsUrl!)
    const text = await startServer({ METRICS_PORT: port }).then(
      () => '',
      (error: unknown) => describeStartError(error),
    )
    expect(text).toBe(
      `Latchkey could not start: port ${port} of 127.0.0.1 is in use. Stop the other program, or set METRICS_PORT.`,
    )
  })

  it('count sign-ins, refusals by their cause, refreshes and reuses', async () => {
    const server = await startServer({ ...withMetrics, THROTTLE: 'on' })
    const { client } = server
    const { email, password, refreshToken } = await client.register()
    await client.login(email, password)
    for (let count = 0; count < 5; count++) await client.login(email, 'wrong')
    expect((await client.login(email, password)).code).toBe('RATE_LIMITED')
    await client.login('nobody@example.com', 'wrong')
    const next = await client.refresh(refreshToken)
    await client.refresh(refreshToken)
    await client.refresh(next.data.refreshToken.refreshToken)
    server.advance(60)
    await client.refresh(refreshToken)
    await client.refresh('lkr_nonsense')

    const text = await read(server)
    expect(samplesOf(text, 'latchkey_sign_ins_total')).toEqual({ 'method=password': 2 })
    expect(samplesOf(text, 'latchkey_sign_in_failures_total')).toEqual({
      'method=password,reason=WRONG_PASSWORD': 5,
      'method=password,reason=UNKNOWN_ACCOUNT': 1,
    })
    expect(samplesOf(text, 'latchkey_refreshes_total')).toEqual({
      'outcome=rotated': 2,
      'outcome=grace': 1,
      'outcome=reused': 1,
    })
    expect(samplesOf(text, 'latchkey_graphql_fields_total')).toEqual({
      'field=register,outcome=OK': 1,
      'field=login,outcome=OK': 1,
      'field=login,outcome=INVALID_CREDENTIALS': 6,
      'field=login,outcome=RATE_LIMITED': 1,
      'field=refreshToken,outcome=OK': 3,
      'field=refreshToken,outcome=REFRESH_TOKEN_REUSED': 1,
      'field=refreshToken,outcome=INVALID_REFRESH_TOKEN': 1,
    })
    expect(samplesOf(text, 'latchkey_audit_events_total')).toEqual({
      'type=ACCOUNT_CREATED': 1,
      'type=SIGNED_IN': 2,
      'type=SIGN_IN_FAILED': 6,
      'type=REFRESH_TOKEN_REUSED': 1,
    })
  })

  it('distinguish root fields, however an operation asks for them', async () => {
    const server = await startServer(withMetrics)
    await server.client.send('query Named { a: providers { id } b: __typename }')
    await server.client.send(
      'query { ...F ... { __typename } } fragment F on Query { providers { id } ...G } fragment G on Query { protected }',
    )
    await server.client.send('{ providers { id } ')
    await server.client.send('{ nothing }')
    await server.client.send(
      'mutation ($e: String!) { login(email: $e, password: "x") { tokenType } }',
    )
    const text = await read(server)
    expect(samplesOf(text, 'latchkey_graphql_fields_total')).toEqual({
      'field=providers,outcome=OK': 1,
      'field=__typename,outcome=OK': 1,
      'field=providers,outcome=(none)': 1,
      'field=protected,outcome=UNAUTHENTICATED': 1,
      'field=__typename,outcome=(none)': 1,
      'field=(none),outcome=GRAPHQL_PARSE_FAILED': 1,
      'field=(none),outcome=GRAPHQL_VALIDATION_FAILED': 1,
      'field=login,outcome=BAD_USER_INPUT': 1,
    })
    expect(samplesOf(text, 'latchkey_graphql_operation_duration_seconds_count')).toEqual({
      'field=(several)': 2,
      'field=(none)': 2,
      'field=login': 1,
    })
  })

  // A label for each name that a client thinks of would fill the memory of everyone.
  it('have no label of what a client sends', async () => {
    const server = await startServer(withMetrics)
    const canary = 'canary4711'
    await server.client.send(`query ${canary} { ${canary}: __typename }`)
    await server.client.send(`{ ${canary} }`)
    await server.client.send('{ __typename }', undefined, { 'user-agent': canary })
    await server.client.login(`${canary}@example.com`, canary)
    await server.client.send(
      `mutation { loginWithProvider(provider: "${canary}", code: "a", state: "b", flowToken: "c") { tokenType } }`,
    )
    for (const path of [canary, `graphql/${canary}`, `providers/${canary}/callback`, '%zz']) {
      await fetch(`${server.url}/${path}?${canary}`)
    }
    await fetch(`${server.url}/graphql`, { method: 'PROPFIND' })
    const text = await read(server)
    expect(text).not.toContain(canary)
    const fields = Object.keys(samplesOf(text, 'latchkey_graphql_fields_total'))
    const schema = createSchema()
    const known = [schema.getQueryType()!, schema.getMutationType()!].flatMap((type) =>
      Object.keys(type.getFields()),
    )
    for (const labels of fields) {
      expect([...known, '__typename', '(none)']).toContain(/field=([^,]*)/.exec(labels)![1])
    }
    const routes = Object.keys(samplesOf(text, 'latchkey_http_request_duration_seconds_count'))
    for (const labels of routes) {
      expect(labels).toMatch(
        /route=(\/graphql|\/providers\/:provider\/callback|\(none\)),status=\d{3}$/,
      )
    }
  })

  it('tell how long passwords wait, and of the process', async () => {
    const server = await startServer(withMetrics)
    const people = await Promise.all(Array.from({ length: 4 }, () => server.client.register()))
    await Promise.all(people.map(({ email, password }) => server.client.login(email, password)))
    const text = await read(server)
    expect(samplesOf(text, 'latchkey_hash_wait_seconds_count')).toEqual({ '': 8 })
    const { '': seconds } = samplesOf(text, 'latchkey_hash_wait_seconds_sum')
    expect(seconds).toBeGreaterThan(0)
    expect(seconds).toBeLessThan(600)
    expect(samplesOf(text, 'latchkey_hash_queue_depth')).toEqual({ '': 0 })
    for (const name of [
      'nodejs_eventloop_lag_p99_seconds',
      'process_resident_memory_bytes',
      'process_cpu_seconds_total',
      '# TYPE nodejs_gc_duration_seconds',
    ]) {
      expect(text).toContain(`\n${name}`)
    }
  })

  it('are those that the guide lists', async () => {
    const server = await startServer(withMetrics)
    const names = Array.from(
      (await read(server)).matchAll(/^# TYPE (latchkey_\w+)/gm),
      ([, name]) => name,
    )
    const guide = readFileSync(new URL('../../docs/guides/metrics.md', import.meta.url), 'utf8')
    const listed = Array.from(guide.matchAll(/^\| `(latchkey_\w+)`/gm), ([, name]) => name)
    // Only if there is a pool: on PostgreSQL.
    expect(new Set([...names, 'latchkey_database_connections'])).toEqual(new Set(listed))
  })
})
