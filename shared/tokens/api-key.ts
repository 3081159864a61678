import { randomBytes } from 'node:crypto'
import { hashToken } from './opaque.ts'

const PREFIX = 'lano_'
const BODY_BYTES = 28
const OURS = /^lano_[0-9a-f]{64}$/
const SHORTEST = 20
const LONGEST = 500

// Not imported: a function that meets no key of ours starts faster without it.
const checksum = (text: string) => process.getBuiltinModule('node:zlib').crc32(text).toString(16).padStart(8, '0')

/**
 * A new key: `lano_`, 56 hex digits of chance (224 bits), and 8 of the CRC-32 (ISO 3309) of all before, so that a typo or a
 * made-up key is known without a look-up, and a scanner knows a real one without asking.
 */
export function newApiKey(): { key: string; hash: string; preview: string } {
  const body = PREFIX + randomBytes(BODY_BYTES).toString('hex')
  const key = body + checksum(body)
  return { key, hash: hashToken(key), preview: previewOf(key) }
}

/** What an owner may still see of a key. */
export function previewOf(key: string): string {
  return `${key.slice(0, 9)}…${key.slice(-4)}`
}

/** A credential that has the shape of an API key rather than of a token (docs/wire-contract.md 3.1). */
export function looksLikeApiKey(credential: string): boolean {
  return /^(lano|vx|lns|lms|pk|sk|vibe|master|vsec)_/.test(credential)
}

/** Whether a key of our own pattern has the checksum of one that was issued here. */
export function hasChecksum(key: string): boolean {
  return OURS.test(key) && checksum(key.slice(0, -8)) === key.slice(-8)
}

/** Whether a presented key has our own pattern but was not issued here: a typo, made up, or from before. */
export function lacksChecksum(key: string): boolean {
  return OURS.test(key) && !hasChecksum(key)
}

/**
 * The hash a presented key is looked up by; undefined for what cannot be one: a stored hash presented as a key, too short, too long.
 */
export function hashOfApiKey(presented: string): string | undefined {
  if (presented.length < SHORTEST || presented.length > LONGEST || !/^[\x21-\x7e]+$/.test(presented)) return undefined
  return /^[0-9a-f]{64}$/i.test(presented) ? undefined : hashToken(presented)
}
