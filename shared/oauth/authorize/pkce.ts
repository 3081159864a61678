import { createHash } from 'node:crypto'

/** A code challenge of method S256: base64url of 32 bytes (RFC 7636 section 4.2). */
export const CODE_CHALLENGE = /^[A-Za-z0-9_-]{43}$/
/** RFC 7636 section 4.1. */
export const CODE_VERIFIER = /^[A-Za-z0-9\-._~]{43,128}$/

/** BASE64URL(SHA256(ASCII(code_verifier))), RFC 7636 section 4.6. */
export function challengeOf(verifier: string): string {
  return createHash('sha256').update(verifier).digest('base64url')
}
