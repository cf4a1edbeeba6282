/**
 * What pages load: files that a build has made, each with a digest of its content in its name, so that a
 * name never gets another content. They are read at start and served from memory: a build that is made
 * meanwhile takes none of them away from a page that refers to it.
 */
import { readFileSync, readdirSync } from 'node:fs'
import { extname, join } from 'node:path'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'

/** By name. */
export type StaticAssets = ReadonlyMap<string, StaticAsset>

export interface StaticAsset {
  readonly type: string
  /** Compressed at build, or as it is where that saves nothing. */
  readonly forms: Readonly<Partial<Record<Encoding | 'identity', Buffer>>>
}

type Encoding = 'br' | 'gzip'

const types: Record<string, string> = {
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.ttf': 'font/ttf',
}
/** In the order of preference. */
const encodings: readonly { encoding: Encoding; suffix: string }[] = [
  { encoding: 'br', suffix: '.br' },
  { encoding: 'gzip', suffix: '.gz' },
]
const decompress = promisify(gunzip)

/** An asset that no build has made. */
export function staticAsset(name: string, body: Buffer): StaticAsset {
  return { type: types[extname(name)]!, forms: { identity: body } }
}

/** @param folder has compressed forms beside the files, if any (scripts/precompress.ts) */
export function readStaticAssets(folder: string): Map<string, StaticAsset> {
  const read = (name: string) => readFileSync(join(folder, name))
  const names = new Set(readdirSync(folder))
  const served = Array.from(names).filter((name) => Object.hasOwn(types, extname(name)))
  return new Map(
    served.map((name) => {
      const encoded = encodings
        .filter(({ suffix }) => names.has(name + suffix))
        .map(({ encoding, suffix }) => [encoding, read(name + suffix)] as const)
      const forms: StaticAsset['forms'] = Object.fromEntries(encoded)
      // Plain, hardly anybody asks for it, and the editor of GraphiQL alone would take megabytes.
      return [
        name,
        forms.gzip ? { type: types[extname(name)]!, forms } : staticAsset(name, read(name)),
      ]
    }),
  )
}

/**
 * Serves them below a path, to be kept for good.
 * @param headers beside those that say how long
 */
export function serveStaticAssets(
  app: FastifyInstance,
  path: string,
  assets: StaticAssets,
  headers: Readonly<Record<string, string>>,
): void {
  app.get<{ Params: { name: string } }>(`${path}/:name`, async (request, reply) => {
    const asset = assets.get(request.params.name)
    if (!asset) return reply.callNotFound()
    reply.headers({ 'cache-control': 'public, max-age=31536000, immutable', ...headers })
    return send(asset, request, reply)
  })
}

async function send(
  { forms, type }: StaticAsset,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const accepted = acceptedEncodings(request.headers['accept-encoding'])
  const found = encodings.find(
    ({ encoding }) => accepted.has(encoding) && forms[encoding] !== undefined,
  )
  const vary = reply.getHeader('vary')
  reply
    .header('vary', vary === undefined ? 'Accept-Encoding' : `${String(vary)}, Accept-Encoding`)
    .type(type)
  if (found) {
    return reply.header('content-encoding', found.encoding).send(forms[found.encoding])
  }
  return reply.send(forms.identity ?? (await decompress(forms.gzip!)))
}

/** RFC 9110 section 12.5.3, as far as it goes here: what is named, and not with a weight of zero. */
function acceptedEncodings(header: string | string[] | undefined): ReadonlySet<string> {
  const entries = String(header ?? '')
    .toLowerCase()
    .split(',')
    .map((entry) => entry.replaceAll(/\s/g, '').split(';'))
  return new Set(
    entries
      .filter(([, weight]) => weight === undefined || !/^q=0(\.0*)?$/.test(weight))
      .map(([name = '']) => name),
  )
}
