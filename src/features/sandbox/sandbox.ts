/** Serves GraphiQL and what it and Apollo Sandbox load, and says what each may load: no script but ours. */
import type { FastifyInstance } from 'fastify'
import type { SandboxPages } from './sandbox-pages.ts'
import { serveStaticAssets } from '../../http/static-assets.ts'

const apolloOrigin = 'https://sandbox.embed.apollographql.com'

const common = ["base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"]
/** The page at /graphql: a frame of Apollo's, and the question whether Apollo can be reached. */
export const sandboxHeaders = {
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    'img-src data:',
    `frame-src ${apolloOrigin}`,
    `connect-src 'self' ${apolloOrigin}`,
    ...common,
  ].join('; '),
  // Signing in at Apollo happens in a window of its own.
  'cross-origin-opener-policy': 'same-origin-allow-popups',
}
const graphiqlHeaders = {
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "worker-src 'self'",
    // The editor (Monaco) writes its colours and sizes into style elements as it goes.
    "style-src 'self' 'unsafe-inline'",
    "font-src 'self' data:",
    "img-src 'self' data:",
    "connect-src 'self'",
    ...common,
  ].join('; '),
}
const assetHeaders = {
  // A worker does not get the policy of its page.
  'content-security-policy': "default-src 'none'; script-src 'self'; connect-src 'self'",
}

export const graphiqlPath = '/graphiql'

/** A plugin. */
export async function sandbox(
  app: FastifyInstance,
  { graphiql, assets }: SandboxPages,
): Promise<void> {
  app.get(graphiqlPath, async (_request, reply) =>
    reply.headers(graphiqlHeaders).type('text/html; charset=utf-8').send(graphiql()),
  )
  serveStaticAssets(app, '/sandbox/assets', assets, assetHeaders)
}
