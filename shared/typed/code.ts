import { readText } from './text.ts'

/** Digits of a code by e-mail, text message or authenticator app. */
const DIGITS = 6
/** Digits with anything but letters between them, that are no part of a word. */
const RUN = /(?<![\p{L}\d])\d(?:[^\p{L}\d]*\d)*(?![\p{L}\d])/gu

/**
 * The six digits of a code that a person typed, pasted (alone or with its message) or dictated; undefined when it cannot be one.
 * @param typed text, or a number from JSON
 */
export function readDigitCode(typed: unknown): string | undefined {
  const text = readText(typed)
  // A JSON number has lost the zeros at its front.
  const whole = typeof typed === 'number' && text ? text.padStart(DIGITS, '0') : text
  const runs = [...whole.matchAll(RUN)].map(([run]) => run.replace(/\D/g, ''))
  const codes = new Set(runs.filter((run) => run.length === DIGITS))
  return codes.size === 1 ? [...codes][0] : undefined
}

/** The characters of a code of letters and digits, in upper case and without what stands between them; undefined when it cannot be one. */
export function readLetterCode(
  typed: unknown,
  { alphabet, length }: { alphabet: string; length: number },
): string | undefined {
  const characters = readText(typed)
    .toUpperCase()
    .replace(/[^\p{L}\p{N}]/gu, '')
  return characters.length === length && [...characters].every((one) => alphabet.includes(one)) ? characters : undefined
}
