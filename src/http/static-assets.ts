/**
 * What pages load: files that a build has made, each with a digest of its content in its name, so that a
 * name never gets another content. They are read at start and served from memory: a build that is made
 * meanwhile takes none of them away from a page that refers to it.
 */
import { readFileSync, readdirSync, statSync } from 'node:fs'
import { extname, join } from 'node:path'
import { Readable } from 'node:stream'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'

/** By name. */
export type StaticAssets = ReadonlyMap<string, StaticAsset>

export interface StaticAsset {
  readonly type: string
  /** Compressed at build; empty if that saves nothing. */
  readonly compressed: Readonly<Partial<Record<Encoding, Buffer>>>
  readonly plainBytes: number
  /** The asset as it is: the same buffer for every request. */
  readonly plain: () => Buffer | Promise<Buffer>
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
/** What a connection holds of a response that its client does not read; TLS holds it encrypted, too. */
const sliceBytes = 64 * 1024
const decompress = promisify(gunzip)

/** An asset that no build has made. */
export function staticAsset(name: string, body: Buffer): StaticAsset {
  return {
    type: types[extname(name)]!,
    compressed: {},
    plainBytes: body.length,
    plain: () => body,
  }
}

/** @param folder has compressed forms next to the files, if any (scripts/precompress.ts) */
export function readStaticAssets(folder: string): Map<string, StaticAsset> {
  const read = (name: string) => readFileSync(join(folder, name))
  const names = new Set(readdirSync(folder))
  const served = Array.from(names).filter((name) => Object.hasOwn(types, extname(name)))
  return new Map(
    served.map((name) => {
      const encoded = encodings
        .filter(({ suffix }) => names.has(name + suffix))
        .map(({ encoding, suffix }) => [encoding, read(name + suffix)] as const)
      const compressed: StaticAsset['compressed'] = Object.fromEntries(encoded)
      const asset = compressed.gzip
        ? {
            type: types[extname(name)]!,
            compressed,
            plainBytes: statSync(join(folder, name)).size,
            plain: decompressOnce(compressed.gzip),
          }
        : staticAsset(name, read(name))
      return [name, asset]
    }),
  )
}

/**
 * Few clients ask for the plain form, and all of GraphiQL's take seven megabytes: each is decompressed for
 * the first request that asks for it, and kept.
 */
function decompressOnce(body: Buffer): StaticAsset['plain'] {
  let plain: Promise<Buffer> | undefined
  return () => (plain ??= decompress(body))
}

/**
 * Serves them below a path, to be kept for good.
 * @param headers in addition to those that say how long
 */
export function serveStaticAssets(
  app: FastifyInstance,
  path: string,
  assets: StaticAssets,
  headers: Readonly<Record<string, string>>,
): void {
  app.route<{ Params: { name: string } }>({
    // Fastify's own HEAD would prepare a body to learn its length.
    method: ['GET', 'HEAD'],
    url: `${path}/:name`,
    handler: async (request, reply) => {
      const asset = assets.get(request.params.name)
      if (!asset) return reply.callNotFound()
      reply.headers({ 'cache-control': 'public, max-age=31536000, immutable', ...headers })
      return send(asset, request, reply)
    },
  })
}

async function send(
  { compressed, plain, plainBytes, type }: StaticAsset,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const accepted = acceptedEncodings(request.headers['accept-encoding'])
  const encoding = encodings
    .map((known) => known.encoding)
    .find((known) => accepted.has(known) && compressed[known] !== undefined)
  const vary = reply.getHeader('vary')
  reply
    .header('vary', vary === undefined ? 'Accept-Encoding' : `${String(vary)}, Accept-Encoding`)
    .header('content-length', encoding ? compressed[encoding]!.length : plainBytes)
    .type(type)
  if (encoding) reply.header('content-encoding', encoding)
  if (request.method === 'HEAD') return reply.send()
  const body = encoding ? compressed[encoding]! : await plain()
  return reply.send(body.length > sliceBytes ? Readable.from(slices(body), byteStream) : body)
}

const byteStream = { objectMode: false, highWaterMark: sliceBytes }

/** Views of the buffer, one after another as the connection takes them: nothing is copied in advance. */
function* slices(body: Buffer): Iterable<Buffer> {
  for (let start = 0; start < body.length; start += sliceBytes) {
    yield body.subarray(start, start + sliceBytes)
  }
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
