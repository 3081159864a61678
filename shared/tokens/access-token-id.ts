import { randomBytes } from 'node:crypto'
import { newOpaqueToken, streamOfToken, TOKEN_ID_SECRET_BYTES } from './opaque.ts'

/** A token id (`jti`) that names its family. */
export function newAccessTokenId(familyId: string): string {
  return newOpaqueToken(familyId, TOKEN_ID_SECRET_BYTES).token
}

const rootOf = (jti: string) => jti.split('.', 1)[0] ?? ''

/** The id of a token that renews another one without a refresh token: it begins with the id of the first of them. */
export function renewedAccessTokenId(jti: string): string {
  return `${rootOf(jti)}.${randomBytes(TOKEN_ID_SECRET_BYTES).toString('base64url')}`
}

/**
 * What an access token is looked up and revoked by: its family, and the id of the first of those that renew each other, so that
 * they end together. Undefined for an id that is not one of ours.
 */
export function readAccessTokenId(jti: string | undefined): { familyId: string; jti: string } | undefined {
  const root = jti && rootOf(jti)
  const familyId = root && streamOfToken(root, TOKEN_ID_SECRET_BYTES)
  return root && familyId ? { familyId, jti: root } : undefined
}
