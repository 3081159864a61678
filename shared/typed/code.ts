import { readText } from './text.ts'

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
