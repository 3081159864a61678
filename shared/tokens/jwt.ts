import { decodeProtectedHeader, errors, type JWTPayload, jwtVerify, SignJWT } from 'jose'
import type { SigningAlgorithm } from '../domain/signing-key.ts'
import type { Keys } from './keys.ts'

export type Jwts = ReturnType<typeof createJwts>

/** Signs and checks the gateway's own tokens. */
export function createJwts(keys: Keys, issuer: string) {
  async function sign(alg: SigningAlgorithm, typ: string, claims: JWTPayload): Promise<string> {
    const key = await keys.active(alg)
    return new SignJWT({ iss: issuer, ...claims }).setProtectedHeader({ alg, typ, kid: key.kid }).sign(key.privateKey)
  }

  async function check(token: string, typ: string, alg: SigningAlgorithm, now?: Date): Promise<JWTPayload | undefined> {
    try {
      const { kid } = decodeProtectedHeader(token)
      const key = kid ? await keys.find(kid) : undefined
      if (!key) return undefined
      const { payload } = await jwtVerify(token, key.publicKey, { issuer, typ, algorithms: [alg], currentDate: now })
      return payload
    } catch (error) {
      if (error instanceof errors.JOSEError || error instanceof TypeError) return undefined
      throw error
    }
  }

  return {
    /** An access token in the JWT profile (RFC 9068). */
    accessToken: (claims: JWTPayload) => sign('ES256', 'at+jwt', claims),
    /** An ID token (OpenID Connect Core section 2). */
    idToken: (claims: JWTPayload) => sign('RS256', 'JWT', claims),
    /** A signed introspection answer (RFC 9701 section 5). */
    introspection: (claims: JWTPayload) => sign('ES256', 'token-introspection+jwt', claims),

    /** The claims of a genuine, unexpired access token of ours; undefined otherwise. */
    readAccessToken: (token: string) => check(token, 'at+jwt', 'ES256'),

    /** The claims of a genuine ID token of ours, expired or not, as a hint (OpenID Connect RP-Initiated Logout section 2). */
    readIdTokenHint: (token: string) => check(token, 'JWT', 'RS256', new Date(0)),
  }
}
