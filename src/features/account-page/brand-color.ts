/** An operator's colour, made readable: the contrast that WCAG 2.2 (AA) asks for, light and dark. */

/**
 * The surfaces of web/tokens.css on which the colour is hardest to see. Dark ones are lightest, light
 * ones darkest where it is least.
 */
export const hardestSurface = { light: '#eef0f4', dark: '#232936' } as const

/** WCAG 1.4.3 for text, 1.4.11 for what is no text. */
const textContrast = 4.5
const shapeContrast = 3

type Color = readonly [red: number, green: number, blue: number]

const black: Color = [0, 0, 0]
const white: Color = [255, 255, 255]

/**
 * The stylesheet that gives the page its accent: `--accent`, the colour as it is, fills buttons,
 * `--on-accent` is the text on it, `--accent-edge` lets a button be seen whatever it is filled with,
 * `--accent-strong` is a button under the pointer, `--accent-text` is a link.
 * @param color `#rrggbb`
 */
export function brandStylesheet(color: string): string {
  return [
    `:root { ${accents(color, hardestSurface.light)} }`,
    `@media (prefers-color-scheme: dark) { :root { ${accents(color, hardestSurface.dark)} } }`,
    '',
  ].join('\n')
}

/** The contrast of two colours, from 1 to 21 (WCAG 2.2, contrast ratio). */
export function contrast(one: string, other: string): number {
  return ratio(parse(one), parse(other))
}

function accents(color: string, surface: string): string {
  const fill = parse(color)
  const onFill = ratio(white, fill) >= textContrast ? white : black
  const away = onFill === white ? black : white
  const edge = shiftUntil(fill, parse(surface), shapeContrast)
  const text = shiftUntil(fill, parse(surface), textContrast)
  return Object.entries({
    '--accent': fill,
    '--on-accent': onFill,
    // Away from the text on it: its contrast only grows.
    '--accent-strong': mix(fill, away, 0.14),
    '--accent-edge': edge,
    '--accent-text': text,
  })
    .map(([name, value]) => `${name}: ${format(value)};`)
    .join(' ')
}

/** Moves a colour away from the surface, as little as will do. */
function shiftUntil(color: Color, surface: Color, least: number): Color {
  const away = ratio(white, surface) > ratio(black, surface) ? white : black
  for (let share = 0; share < 1; share += 0.02) {
    const shifted = mix(color, away, share)
    if (ratio(shifted, surface) >= least) return shifted
  }
  return away
}

function mix(color: Color, other: Color, share: number): Color {
  const channel = (index: 0 | 1 | 2) =>
    Math.round(color[index] * (1 - share) + other[index] * share)
  return [channel(0), channel(1), channel(2)]
}

function ratio(one: Color, other: Color): number {
  const [darker = 0, lighter = 0] = [luminance(one), luminance(other)].toSorted((a, b) => a - b)
  return (lighter + 0.05) / (darker + 0.05)
}

function luminance(color: Color): number {
  const [red = 0, green = 0, blue = 0] = color.map((channel) => {
    const share = channel / 255
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}

function parse(color: string): Color {
  const number = Number.parseInt(color.slice(1), 16)
  return [number >> 16, (number >> 8) & 255, number & 255]
}

function format(color: Color): string {
  return `#${color.map((channel) => channel.toString(16).padStart(2, '0')).join('')}`
}
