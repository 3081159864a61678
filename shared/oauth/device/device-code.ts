import { createHmac, randomInt } from 'node:crypto'
import type { KeyRing } from '../../tokens/key-ring.ts'
import { readLetterCode } from '../../typed/text.ts'

/** Random bytes behind the stream id of a device code: 43 characters in all (docs/wire-contract.md 3.2). */
export const DEVICE_SECRET_BYTES = 16

/** Letters that are easy to tell apart and form no words (RFC 8628 section 6.1); 8 of them are 34.5 bits. */
export const LETTERS = 'BCDFGHJKLMNPQRSTVWXZ'
const LENGTH = 8

/** Creates a code for a person to type: `BCDF-GHJK`. */
export function newUserCode(): string {
  const letters = Array.from({ length: LENGTH }, () => LETTERS[randomInt(LETTERS.length)]).join('')
  return showUserCode(letters)
}

/** Formats a code as devices show it. */
export function showUserCode(typed: string): string {
  const letters = readUserCode(typed) ?? ''
  return `${letters.slice(0, 4)}-${letters.slice(4)}`
}

/** Returns the letters of a typed code; undefined if it cannot be one. */
export const readUserCode = (typed: unknown) => readLetterCode(typed, { alphabet: LETTERS, length: LENGTH })

/** Returns the look-up hash of a user code: keyed, since its few letters could be guessed offline. */
export function userCodeHash(ring: KeyRing, userCode: string): string {
  return createHmac('sha256', ring.key('user-code'))
    .update(readUserCode(userCode) ?? '')
    .digest('hex')
}
