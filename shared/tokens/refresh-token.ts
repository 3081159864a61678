import { createHmac, randomBytes } from 'node:crypto'
import { equalHash } from '../../packages/auth-server/src/equal-hash.ts'
import type { KeyRing } from './key-ring.ts'
import { bytesToUuid, hashToken, REFRESH_SECRET_BYTES, uuidToBytes } from './opaque.ts'

const TAG_BYTES = 16
const BODY_BYTES = 16 + REFRESH_SECRET_BYTES - TAG_BYTES

/**
 * Refresh tokens contain their family and generation, authenticated by a MAC: a made-up token is refused without a lookup, and a
 * genuine old one is recognized as a replay. 28 of the 64 bytes are random.
 */
export type RefreshTokens = ReturnType<typeof createRefreshTokens>

export function createRefreshTokens(ring: Pick<KeyRing, 'key'>) {
  const tag = (body: Uint8Array) =>
    createHmac('sha256', ring.key('refresh-token')).update(body).digest().subarray(0, TAG_BYTES)

  return {
    issue(familyId: string, generation: number): { token: string; hash: string } {
      const number = Buffer.alloc(4)
      number.writeUInt32BE(generation)
      const body = Buffer.concat([uuidToBytes(familyId), number, randomBytes(BODY_BYTES - 20)])
      const token = Buffer.concat([body, tag(body)]).toString('base64url')
      return { token, hash: hashToken(token) }
    },

    /** Returns the content of a genuine token; undefined for any other. */
    parse(token: string): { familyId: string; generation: number; hash: string } | undefined {
      if (!/^[A-Za-z0-9_-]{86}$/.test(token)) return undefined
      const bytes = Buffer.from(token, 'base64url')
      const body = bytes.subarray(0, BODY_BYTES)
      const genuine = equalHash(tag(body).toString('hex'), bytes.subarray(BODY_BYTES).toString('hex'))
      if (!genuine || bytes.toString('base64url') !== token) return undefined
      return {
        familyId: bytesToUuid(body.subarray(0, 16)),
        generation: body.readUInt32BE(16),
        hash: hashToken(token),
      }
    },
  }
}
