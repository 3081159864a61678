/** The sender of a message as its reader knows them: the operator of the gateway, or the product that they sign in to. */
export interface Branding {
  name: string
  /** `#rrggbb`, of the logo and of buttons. */
  colour: string
  /** The text colour on it: white or nearly black, whichever has more contrast. */
  onColour: string
}

const HOUSE = { name: 'LanOnasis', colour: '#0b5c52' }

/** What a message asks to be shown as its sender. */
export interface AskedBrand {
  name?: string
  colour?: string
}

/** Returns the brand of a message; a name or colour that is missing, invalid or misleading (an address, a sentence) is replaced by our own. */
export function brandingOf(asked: AskedBrand = {}): Branding {
  const name = safeName(asked.name)
  const own = name && /^#[0-9a-f]{6}$/i.test(asked.colour ?? '') ? asked.colour : undefined
  const colour = (own ?? HOUSE.colour).toLowerCase()
  return { name: name ?? HOUSE.name, colour, onColour: luminance(colour) > 0.179 ? '#14211e' : '#ffffff' }
}

/** Relative luminance (WCAG 2.2): white has the better contrast below 0.179. */
function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(colour.slice(at, at + 2), 16) / 255
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}

/** Returns a name that a third party chose, unless it contains an address or a number that mail clients would link. */
export function safeName(name: string | undefined): string | undefined {
  const trimmed = name?.normalize('NFC').trim().replace(/ {2,}/g, ' ')
  if (!trimmed || trimmed.length > 60) return undefined
  if (!/^[\p{L}\p{N}][\p{L}\p{M}\p{N} .,'’&()+_-]*$/u.test(trimmed)) return undefined
  const linkable = /\p{L}\.\p{L}{2,}|\d\.\d+\.\d|\d[\d ()+.-]{5,}\d/u
  return linkable.test(trimmed) ? undefined : trimmed
}
