import { randomBytes } from 'node:crypto'
import { hashToken } from './opaque.ts'

const PREFIX = 'lano_'
const BODY_BYTES = 28
const OURS = /^lano_[0-9a-f]{64}$/
const SHORTEST = 20
const LONGEST = 500

// Loaded on demand, for a faster cold start.
const checksum = (text: string) => process.getBuiltinModule('node:zlib').crc32(text).toString(16).padStart(8, '0')

/**
 * Creates a key: `lano_`, 56 random hex digits (224 bits), and 8 of the CRC-32 (ISO 3309) of those before, so that typos and
 * made-up keys are detected without a lookup, and secret scanners recognize real ones offline.
 */
export function newApiKey(): { key: string; hash: string; preview: string } {
  const body = PREFIX + randomBytes(BODY_BYTES).toString('hex')
  const key = body + checksum(body)
  return { key, hash: hashToken(key), preview: previewOf(key) }
}

/** The part of a key that its owner can still see. */
function previewOf(key: string): string {
  return `${key.slice(0, 9)}…${key.slice(-4)}`
}

/** Whether a key of our own pattern has a valid checksum. */
export function hasChecksum(key: string): boolean {
  return OURS.test(key) && checksum(key.slice(0, -8)) === key.slice(-8)
}

/** Whether a key has our own pattern without a valid checksum: a typo, made up, or issued elsewhere. */
export function lacksChecksum(key: string): boolean {
  return OURS.test(key) && !hasChecksum(key)
}

/**
 * Returns the hash to look up a presented key; undefined for an impossible one: a stored hash, too short, too long.
 */
export function hashOfApiKey(presented: string): string | undefined {
  if (presented.length < SHORTEST || presented.length > LONGEST || !/^[\x21-\x7e]+$/.test(presented)) return undefined
  return /^[0-9a-f]{64}$/i.test(presented) ? undefined : hashToken(presented)
}
