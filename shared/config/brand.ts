import { matching, optional, variable } from './variable.ts'

/** Backgrounds of the pages by colour scheme (`netlify/pages/style.ts`), and the text on a button in the brand's colour. */
const BESIDE = { light: ['#ffffff', '#f2f5f4', '#eef5f3'], dark: ['#151d1b', '#0d1312', '#1a2623', '#05211c'] }
/** Minimum contrast of text (WCAG 2.2, 1.4.3). */
const MIN_CONTRAST = 4.5
const COLOURS = /^(#[0-9a-f]{6}),(#[0-9a-f]{6})$/i
const LOGO = /^data:image\/(svg\+xml|png);base64,[A-Za-z0-9+/]+=*$/

/** Relative luminance (WCAG 2.2). */
function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(colour.slice(at, at + 2), 16) / 255
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}

function contrast(one: string, other: string): number {
  const [low = 0, high = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b)
  return (high + 0.05) / (low + 0.05)
}

/** The colours for the light and the dark scheme. */
export function coloursOf(value: string): { light: string; dark: string } | undefined {
  const [, light, dark] = COLOURS.exec(value) ?? []
  return light && dark ? { light: light.toLowerCase(), dark: dark.toLowerCase() } : undefined
}

function areReadable(value: string): boolean {
  const colours = coloursOf(value)
  if (!colours) return false
  return (['light', 'dark'] as const).every((scheme) =>
    BESIDE[scheme].every((background) => contrast(colours[scheme], background) >= MIN_CONTRAST),
  )
}

/** The names that mails show too (`supabase/functions/_shared/templates/branding.ts`). */
const isName = (value: string) =>
  /^[\p{L}\p{N}][\p{L}\p{M}\p{N} .,'’&()+_-]{0,59}$/u.test(value) && !/\p{L}\.\p{L}{2,}|\d[\d ()+.-]{5,}\d/u.test(value)

/** How this deployment presents itself on pages and in messages. */
export const brandVariables = {
  BRAND_NAME: variable(
    'Name of this deployment, which its pages and messages show.',
    matching(isName, 'must be a short name without an address or a number to call'),
    'LanOnasis',
  ),
  BRAND_COLOURS: optional(
    'Colours of buttons and links, for the light and the dark scheme: `#0b5c52,#6fd3c1`. The first is also that of messages. Each needs a contrast of 4.5:1 with the backgrounds of its scheme.',
    matching(
      areReadable,
      'must be two colours such as #0b5c52,#6fd3c1, each with a contrast of 4.5:1 with its backgrounds',
    ),
  ),
  BRAND_LOGO: optional(
    'Square logo that pages show beside the name: `data:image/svg+xml;base64,…` or `data:image/png;base64,…`, at most 16 KB.',
    matching(
      (value) => value.length <= 16_384 && LOGO.test(value),
      'must be a data: URL of an SVG or PNG, at most 16 KB',
    ),
  ),
}
