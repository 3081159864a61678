import { randomBytes } from 'node:crypto'
import { newOpaqueToken, streamOfToken, TOKEN_ID_SECRET_BYTES } from './opaque.ts'

/** Returns a new token id (`jti`), which contains its family. */
export function newAccessTokenId(familyId: string): string {
  return newOpaqueToken(familyId, TOKEN_ID_SECRET_BYTES).token
}

const rootOf = (jti: string) => jti.split('.', 1)[0] ?? ''

/** Returns the id of a token that renews another without a refresh token; it begins with the id of the first. */
export function renewedAccessTokenId(jti: string): string {
  return `${rootOf(jti)}.${randomBytes(TOKEN_ID_SECRET_BYTES).toString('base64url')}`
}

/**
 * Returns the family of an access token, and the id of the first of those that renew each other, so that they are revoked together.
 * Undefined for an id not issued here.
 */
export function readAccessTokenId(jti: string | undefined): { familyId: string; jti: string } | undefined {
  const root = jti && rootOf(jti)
  const familyId = root && streamOfToken(root, TOKEN_ID_SECRET_BYTES)
  return root && familyId ? { familyId, jti: root } : undefined
}
