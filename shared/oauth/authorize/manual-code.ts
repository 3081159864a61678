import { createHmac } from 'node:crypto'
import type { DeriveKey } from '../../tokens/derived-key.ts'
import { readLetterCode } from '../../typed/code.ts'
import { LETTERS } from '../device/device-code.ts'

/** 10 letters are 43 bits; without the code verifier, which stays in the terminal, even the right ones are of no use. */
const LENGTH = 10

/**
 * The short form of an authorization code, for a person to paste into a terminal: `BCDFG-HJKLM`. It follows from the authorization, so
 * that a reload of the page shows the same one while nothing but its hash is kept.
 */
export function manualCode(derive: DeriveKey, authorizationId: string): string {
  const bytes = createHmac('sha256', derive('pasted-code')).update(authorizationId).digest()
  const number = bytes.readBigUInt64BE()
  const letters = Array.from({ length: LENGTH }, (_, place) => LETTERS[Number((number / 20n ** BigInt(place)) % 20n)])
  return `${letters.slice(0, 5).join('')}-${letters.slice(5).join('')}`
}

/** What a short code is found by; undefined when the text cannot be one. */
export function manualCodeHash(derive: DeriveKey, code: string): string | undefined {
  const letters = readLetterCode(code, { alphabet: LETTERS, length: LENGTH })
  return letters && createHmac('sha256', derive('pasted-code-hash')).update(letters).digest('hex')
}
