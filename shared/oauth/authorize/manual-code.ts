import { createHmac } from 'node:crypto'
import type { KeyRing } from '../../tokens/key-ring.ts'
import { readLetterCode } from '../../typed/text.ts'
import { LETTERS } from '../device/device-code.ts'

/** 10 letters are 43 bits. A correct code is useless without the code verifier, which stays in the terminal. */
const LENGTH = 10

/**
 * Returns the short form of an authorization code, for a person to paste into a terminal: `BCDFG-HJKLM`. It is derived from the
 * authorization id, so that reloading the page shows the same code while only its hash is stored.
 */
export function manualCode(ring: KeyRing, authorizationId: string): string {
  const bytes = createHmac('sha256', ring.key('pasted-code')).update(authorizationId).digest()
  const number = bytes.readBigUInt64BE()
  const letters = Array.from({ length: LENGTH }, (_, place) => LETTERS[Number((number / 20n ** BigInt(place)) % 20n)])
  return `${letters.slice(0, 5).join('')}-${letters.slice(5).join('')}`
}

/** Returns the look-up hash of a manual code; undefined if the text cannot be one. */
export function manualCodeHash(ring: KeyRing, code: string): string | undefined {
  const letters = readLetterCode(code, { alphabet: LETTERS, length: LENGTH })
  return letters && createHmac('sha256', ring.key('pasted-code-hash')).update(letters).digest('hex')
}
