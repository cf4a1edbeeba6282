/** The account page as `npm run build` made it, and the operator's name, logo and colours on it. */
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import { readStaticAssets, staticAsset, type StaticAssets } from '../../http/static-assets.ts'

export interface AccountPageFiles {
  readonly html: Buffer
  /** Below /assets/. */
  readonly assets: StaticAssets
}

export interface AccountPageSettings {
  readonly brand: {
    readonly name: string
    readonly logoFile: string | undefined
    readonly color: string
    readonly textColor: string
  }
  readonly registration: 'open' | 'closed'
}

/** BRAND_LOGO names a file that cannot be served. */
export class BrandLogoError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'BrandLogoError'
  }
}

const logoLimitBytes = 256 * 1024
/** Where web/index.html leaves room for what depends on the configuration. */
const headMarker = '<!-- configuration -->'

/**
 * Reads the page once, to be served from memory.
 * @param folder the output of web/vite.config.ts
 * @returns undefined if it was not built
 * @throws BrandLogoError
 */
export function readAccountPage(
  folder: string,
  { brand, registration }: AccountPageSettings,
): AccountPageFiles | undefined {
  const indexFile = join(folder, 'index.html')
  if (!existsSync(indexFile)) return undefined
  const template = readFileSync(indexFile, 'utf8')
  if (!template.includes(headMarker)) throw new Error(`${indexFile} has no ${headMarker}`)

  const assets = readStaticAssets(join(folder, 'assets'))
  const add = (name: string, extension: string, body: Buffer) => {
    const digest = createHash('sha256').update(body).digest('base64url').slice(0, 8)
    const fileName = `${name}-${digest}${extension}`
    assets.set(fileName, staticAsset(fileName, body))
    return `/assets/${fileName}`
  }
  const colors = `:root { --accent: ${brand.color}; --on-accent: ${brand.textColor}; }\n`
  const stylesheet = add('brand', '.css', Buffer.from(colors))
  const logo =
    brand.logoFile === undefined
      ? undefined
      : add('logo', extname(brand.logoFile).toLowerCase(), readLogo(brand.logoFile))
  const head = [
    `<title>${escapeHtml(brand.name)}</title>`,
    `<meta name="brand-name" content="${escapeHtml(brand.name)}">`,
    `<meta name="registration" content="${registration}">`,
    ...(logo === undefined ? [] : [`<meta name="brand-logo" content="${logo}">`]),
    `<link rel="stylesheet" href="${stylesheet}">`,
  ].join('\n    ')
  return { html: Buffer.from(template.replace(headMarker, () => head)), assets }
}

function readLogo(file: string): Buffer {
  let body: Buffer
  try {
    body = readFileSync(file)
  } catch (error) {
    throw new BrandLogoError('BRAND_LOGO names a file that cannot be read.', { cause: error })
  }
  if (body.length > logoLimitBytes) {
    throw new BrandLogoError(`BRAND_LOGO is larger than ${logoLimitBytes / 1024} KiB.`)
  }
  const isPng = body.subarray(0, 8).toString('latin1') === '\x89PNG\r\n\x1a\n'
  const isSvg = body.includes('<svg')
  if (extname(file).toLowerCase() === '.png' ? !isPng : !isSvg) {
    throw new BrandLogoError('BRAND_LOGO is not what its name says: an SVG or PNG image.')
  }
  return body
}

function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}
