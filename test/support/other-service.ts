/** Services of an operator's own that verify Latchkey's tokens, as docs/guides/verifying-tokens.md has it. */
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { ApolloServer } from '@apollo/server'
import { startStandaloneServer } from '@apollo/server/standalone'
import { GraphQLError } from 'graphql'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { onTestFinished } from 'vitest'
import type { TestServer } from './server.ts'

export interface OtherService {
  readonly url: string
  /** The tokens that it was sent, in order. */
  readonly tokens: string[]
  /** How often its mutation has run. */
  readonly runs: () => number
}

export interface OtherServiceOptions {
  /** Whom it refuses; by default who has no good token. */
  readonly isGood?: (token: string) => boolean | Promise<boolean>
  /** What it has next to the code, such as a reason. */
  readonly extensions?: Record<string, unknown>
}

/** @returns whether a token is good, by the JWKS and the clock of the test */
export function verifierOf(server: TestServer): (token: string) => Promise<boolean> {
  const keys = createRemoteJWKSet(new URL('/.well-known/jwks.json', server.url))
  const issuer = 'http://127.0.0.1:0'
  return async (token) => {
    const options = {
      issuer,
      audience: issuer,
      typ: 'at+jwt',
      algorithms: ['EdDSA'],
      requiredClaims: ['iss', 'exp', 'aud', 'sub', 'client_id', 'iat', 'jti'],
      currentDate: new Date(server.now()),
    }
    return jwtVerify(token, keys, options).then(
      () => true,
      () => false,
    )
  }
}

/** REST: responds with 401, with nothing else, if the token is not good. */
export async function startRestService(
  server: TestServer,
  { isGood = verifierOf(server) }: OtherServiceOptions = {},
): Promise<OtherService> {
  const tokens: string[] = []
  let runs = 0
  const url = await listen(async (token) => {
    tokens.push(token)
    if (!(await isGood(token))) {
      return { status: 401, headers: { 'www-authenticate': 'Bearer error="invalid_token"' } }
    }
    runs += 1
    return { status: 200, body: '{"data":{"notes":["one"]}}' }
  })
  return { url, tokens, runs: () => runs }
}

/** Apollo Server standalone: UNAUTHENTICATED, as its own documentation shows it. */
export async function startApolloService(
  server: TestServer,
  {
    extensions = {},
    isGood = verifierOf(server),
    refuses = 'in the resolver',
    status,
  }: OtherServiceOptions & {
    readonly refuses?: 'in the resolver' | 'in the context'
    /** In place of Apollo's own. */
    readonly status?: number
  } = {},
): Promise<OtherService> {
  const tokens: string[] = []
  let runs = 0
  const refusal = () =>
    new GraphQLError('You must be logged in.', {
      extensions: { code: 'UNAUTHENTICATED', ...extensions, ...(status && { http: { status } }) },
    })
  const notes = (_root: unknown, _arguments: unknown, context: { isGood: boolean }) => {
    if (!context.isGood) throw refusal()
    return ['one']
  }
  const apollo = new ApolloServer<{ isGood: boolean }>({
    typeDefs: 'type Query { notes: [String] open: Int } type Mutation { write: [String] }',
    resolvers: {
      Query: { notes, open: () => 1 },
      Mutation: {
        write: (...call: Parameters<typeof notes>) => {
          runs += 1
          return notes(...call)
        },
      },
    },
    stopOnTerminationSignals: false,
  })
  const { url } = await startStandaloneServer(apollo, {
    listen: { host: '127.0.0.1', port: 0 },
    context: async ({ req }) => {
      const token = bearerToken(req)
      tokens.push(token)
      const isAllowed = await isGood(token)
      if (refuses === 'in the context' && !isAllowed) throw refusal()
      return { isGood: isAllowed }
    },
  })
  onTestFinished(() => apollo.stop())
  return { url, tokens, runs: () => runs }
}

function bearerToken({ headers }: IncomingMessage): string {
  return /^Bearer (.*)$/.exec(headers.authorization ?? '')?.[1] ?? ''
}

async function listen(
  handle: (
    token: string,
  ) => Promise<{ status: number; headers?: Record<string, string>; body?: string }>,
): Promise<string> {
  const http = createServer((request, response) => {
    request.resume()
    request.on('end', () => {
      handle(bearerToken(request)).then(
        (answer) => response.writeHead(answer.status, answer.headers).end(answer.body),
        (error: unknown) => response.writeHead(500).end(String(error)),
      )
    })
  })
  await new Promise<void>((resolve) => {
    http.listen(0, '127.0.0.1', resolve)
  })
  onTestFinished(() => {
    http.close()
    http.closeAllConnections()
  })
  return `http://127.0.0.1:${(http.address() as AddressInfo).port}/graphql`
}
