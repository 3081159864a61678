import { hash, randomBytes } from 'node:crypto'
import { decodeProtectedHeader, errors, type JWTPayload, jwtVerify, SignJWT } from 'jose'
import type { SigningAlgorithm } from '../domain/signing-key.ts'
import type { Keys } from './keys.ts'
import { newOpaqueToken, streamOfToken, TOKEN_ID_SECRET_BYTES } from './opaque.ts'

export type Jwts = ReturnType<typeof createJwts>

/** Size of the cache of verified access tokens, about a kilobyte each. */
const MAX_VERIFIED = 4000

/** The database role that people have in a Supabase project, and the only one that a token of ours ever names. */
const SUPABASE_ROLE = 'authenticated'

/** The issuer of the tokens of a Supabase project, under which its key set is found. */
export const supabaseIssuer = (issuer: string, resourceId: string) => `${issuer}/supabase/${resourceId}`

/** Signs and verifies the gateway's own tokens. */
export function createJwts(keys: Keys, issuer: string, now: () => Date) {
  /** By SHA-256 of the token, least recently used first. */
  const genuine = new Map<string, { claims: JWTPayload; kid: string }>()

  async function sign(alg: SigningAlgorithm, typ: string, claims: JWTPayload): Promise<string> {
    const key = await keys.active(alg)
    return new SignJWT({ iss: issuer, ...withoutDatabaseRole(claims) })
      .setProtectedHeader({ alg, typ, kid: key.kid })
      .sign(key.privateKey)
  }

  async function check(token: string, typ: string, alg: SigningAlgorithm, currentDate = now()) {
    try {
      const { kid } = decodeProtectedHeader(token)
      const key = kid ? await keys.find(kid) : undefined
      if (!key) return undefined
      const verify = { issuer, typ, algorithms: [alg], currentDate }
      const { payload } = await jwtVerify(token, key.publicKey, verify)
      return { claims: payload, kid: key.kid }
    } catch (error) {
      if (error instanceof errors.JOSEError || error instanceof TypeError) return undefined
      throw error
    }
  }

  /**
   * Returns the claims of a genuine, unexpired access token; otherwise undefined. Signature verification is expensive, so its result
   * is cached; expiry, and whether the key is still published, are checked each time.
   */
  async function readAccessToken(token: string): Promise<JWTPayload | undefined> {
    const digest = hash('sha256', token, 'base64url')
    const known = genuine.get(digest)
    genuine.delete(digest)
    const isValid =
      known && (known.claims.exp ?? 0) > now().getTime() / 1000 && (await keys.find(known.kid)) !== undefined
    const found = isValid ? known : await check(token, 'at+jwt', 'ES256')
    if (!found) return undefined
    genuine.set(digest, found)
    if (genuine.size > MAX_VERIFIED) genuine.delete(genuine.keys().next().value ?? '')
    return found.claims
  }

  return {
    /** An access token in the JWT profile (RFC 9068). */
    accessToken: (claims: JWTPayload) => sign('ES256', 'at+jwt', claims),
    /** An ID token (OpenID Connect Core section 2). */
    idToken: (claims: JWTPayload) => sign('RS256', 'JWT', claims),
    /** A signed introspection response (RFC 9701 section 5). */
    introspection: (claims: JWTPayload, alg: SigningAlgorithm = 'RS256') =>
      sign(alg, 'token-introspection+jwt', claims),
    /** An access token signed with a secret shared with its resource server; the gateway itself does not accept it. */
    legacyAccessToken: (claims: JWTPayload, secret: string) =>
      new SignJWT({ iss: issuer, ...withoutDatabaseRole(claims) })
        .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
        .sign(new TextEncoder().encode(secret)),
    /** An access token for a Supabase project, by the key of that project; the gateway itself does not accept it. */
    async supabaseToken(claims: JWTPayload, resourceId: string): Promise<string> {
      const { kid, privateKey } = await keys.active('ES256', resourceId)
      return new SignJWT({ ...claims, iss: supabaseIssuer(issuer, resourceId), role: SUPABASE_ROLE })
        .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid })
        .sign(privateKey)
    },
    /** An identity assertion for a forwarded request; not an access token, and not accepted by the gateway. */
    serviceAssertion: (claims: JWTPayload) => sign('ES256', 'uai+jwt', claims),

    readAccessToken,

    /** The claims of a genuine ID token, expired or not, as a hint (OpenID Connect RP-Initiated Logout section 2). */
    readIdTokenHint: async (token: string) => (await check(token, 'JWT', 'RS256', new Date(0)))?.claims,
  }
}

/** A role of that name, which a hook may assign, has the rights of `user` here and means another thing in a Supabase project. */
const withoutDatabaseRole = (claims: JWTPayload): JWTPayload =>
  claims.role === SUPABASE_ROLE ? { ...claims, role: 'user' } : claims

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
