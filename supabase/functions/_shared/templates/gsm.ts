/** The GSM 7-bit default alphabet (3GPP TS 23.038 section 6.2.1), and its characters of two septets. */
const BASIC =
  '@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&\'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà'
const EXTENDED = '^{}\\[~]|€'

const SINGLE = { gsm: 160, ucs2: 70 }
const PART = { gsm: 153, ucs2: 67 }

/** Replaces characters outside the alphabet by similar ones in it, if there are any. */
export function toGsm(text: string): string {
  return [...text.normalize('NFC')]
    .map((char) => {
      if (BASIC.includes(char) || EXTENDED.includes(char)) return char
      const plain = char.normalize('NFD').replace(/\p{M}/gu, '')
      return LOOK_ALIKES[char] ?? (BASIC.includes(plain) ? plain : char)
    })
    .join('')
}

const LOOK_ALIKES: Record<string, string> = {
  '\u2019': "'",
  '\u2018': "'",
  '\u201c': '"',
  '\u201d': '"',
  '\u2013': '-',
  '\u2014': '-',
  '\u2026': '...',
  '\u00a0': ' ',
  '\u202f': ' ',
}

/** Returns the number of segments of a text, each of which is charged. */
export function segments(text: string): number {
  const chars = [...text]
  const gsm = chars.every((char) => BASIC.includes(char) || EXTENDED.includes(char))
  const size = gsm ? chars.length + chars.filter((char) => EXTENDED.includes(char)).length : text.length
  const kind = gsm ? 'gsm' : 'ucs2'
  return size <= SINGLE[kind] ? 1 : Math.ceil(size / PART[kind])
}
