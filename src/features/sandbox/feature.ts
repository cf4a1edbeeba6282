import { isLoopback } from '../../config/addresses.ts'
import type { Feature } from '../../feature.ts'
import { readSandboxPages } from './sandbox-pages.ts'
import { graphiqlPath, sandbox, sandboxHeaders } from './sandbox.ts'

/** The Sandbox as a page of Apollo's own site, in addition to the one that is embedded at /graphql. */
const hostedSandboxOrigin = 'https://studio.apollographql.com'

/** Apollo Sandbox and GraphiQL, to try the API in a browser. */
export const sandboxFeature: Feature = {
  name: 'sandbox',
  start({ config, log, root }) {
    if (!config.sandbox) return {}
    const { hostname, protocol } = new URL(config.publicUrl)
    const allowedOrigins = protocol === 'http:' && isLoopback(hostname) ? [hostedSandboxOrigin] : []
    const pages = readSandboxPages(root)
    if (!pages) {
      log.warn('Sandbox not found; run `npm run build`')
      return { allowedOrigins }
    }
    return {
      allowedOrigins,
      landingPage: { html: pages.sandbox, headers: sandboxHeaders },
      routes: { paths: [graphiqlPath], register: (app) => sandbox(app, pages) },
    }
  },
}
