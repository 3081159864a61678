/** Full-width forms of ASCII, as typed with East Asian keyboards. */
const FULL_WIDTH = /[\uff01-\uff5e]/g
const FULL_STOPS = /[\u3002\uff61]/g
const INVISIBLE = /[\p{Cf}\p{Cc}\p{Default_Ignorable_Code_Point}]/gu

/** The value of a decimal digit of any script: Unicode encodes each script's ten digits in sequence. */
function digitValue(digit: string): string {
  const point = digit.codePointAt(0) ?? 0
  let first = point
  while (/\p{Nd}/u.test(String.fromCodePoint(first - 1))) first -= 1
  return String((point - first) % 10)
}

/**
 * Normalizes typed, pasted or dictated text: digits of every script and full-width letters become ASCII, every kind of space a plain
 * one, and invisible characters are removed.
 */
export function cleanText(text: string): string {
  return text
    .replace(INVISIBLE, (one) => (one >= '\t' && one <= '\r' ? ' ' : ''))
    .replace(/\p{Z}/gu, ' ')
    .replace(FULL_WIDTH, (one) => String.fromCharCode(one.charCodeAt(0) - 0xfee0))
    .replace(FULL_STOPS, '.')
    .replace(/\p{Nd}/gu, digitValue)
    .trim()
}

/** Longer than any address, number or code, or a message that contains one. */
const LONGEST = 1000

/**
 * Returns a typed value as clean text; empty if it is not text.
 * @param typed text, or a whole number from JSON
 */
export function readText(typed: unknown): string {
  if (typeof typed === 'number') return Number.isSafeInteger(typed) && typed >= 0 ? String(typed) : ''
  return typeof typed === 'string' && typed.length <= LONGEST ? cleanText(typed) : ''
}

/** Digits of a code by e-mail, text message or authenticator app. */
const DIGITS = 6
/** Digits, possibly separated by anything but letters, that are not part of a word. */
const RUN = /(?<![\p{L}\d])\d(?:[^\p{L}\d]*\d)*(?![\p{L}\d])/gu

/**
 * Reads a six-digit code that was typed, pasted (alone or with its message) or dictated; undefined if there is none.
 * @param typed text, or a number from JSON
 */
export function readDigitCode(typed: unknown): string | undefined {
  const text = readText(typed)
  // A JSON number has lost its leading zeros.
  const whole = typeof typed === 'number' && text ? text.padStart(DIGITS, '0') : text
  const runs = [...whole.matchAll(RUN)].map(([run]) => run.replace(/\D/g, ''))
  const codes = new Set(runs.filter((run) => run.length === DIGITS))
  return codes.size === 1 ? [...codes][0] : undefined
}

/** Reads a code of letters and digits, in upper case and without separators; undefined if it is not one. */
export function readLetterCode(
  typed: unknown,
  { alphabet, length }: { alphabet: string; length: number },
): string | undefined {
  const characters = readText(typed)
    .toUpperCase()
    .replace(/[^\p{L}\p{N}]/gu, '')
  return characters.length === length && [...characters].every((one) => alphabet.includes(one)) ? characters : undefined
}
