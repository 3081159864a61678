import { createRemoteJWKSet, customFetch, errors, type JWTPayload, jwtVerify } from 'jose'
import { invalidToken, unavailable } from './refusal.ts'

/** The members of an access token that services look at (RFC 9068 section 2.2). */
export type TokenClaims = JWTPayload & {
  sub: string
  client_id: string
  scope?: string
  act?: Actor
  cnf?: Confirmation
}

/** Who acts for the subject, and for whom that one acted before (RFC 8693 section 4.1). */
export type Actor = { sub: string; act?: Actor }

/** What a token is bound to (RFC 9449 section 6, RFC 8705 section 3.1). */
export type Confirmation = { jkt?: string; 'x5t#S256'?: string }

const CLOCKS_DIFFER_SECONDS = 5
/** An unknown key may be a new one, but made-up ones must not become a flood of questions. */
const UNKNOWN_KEY_MS = 10_000
const REQUIRED = ['sub', 'client_id', 'exp', 'iat', 'jti']

function isVerdict(error: unknown): error is errors.JOSEError {
  if (!(error instanceof errors.JOSEError) || error.code === 'ERR_JOSE_GENERIC') return false
  return !(error instanceof errors.JWKSTimeout || error instanceof errors.JWKSInvalid)
}

/**
 * Makes the check of what an access token says by itself: ours, for this service, unexpired, signed by a key of the gateway.
 * @see RFC 9068 section 4
 */
export function createTokenCheck(input: { issuer: string; audience: string; fetch: typeof fetch }) {
  const { issuer, audience } = input
  const keys = createRemoteJWKSet(new URL(`${issuer}/oauth/jwks.json`), {
    cooldownDuration: UNKNOWN_KEY_MS,
    [customFetch]: input.fetch,
  })
  const rules = { issuer, audience, typ: 'at+jwt', algorithms: ['ES256'], requiredClaims: REQUIRED }

  /** @throws RequestRefused invalid_token, temporarily_unavailable when the keys cannot be had */
  return async (token: string, scheme: 'Bearer' | 'DPoP'): Promise<TokenClaims> => {
    try {
      const { payload } = await jwtVerify(token, keys, { ...rules, clockTolerance: CLOCKS_DIFFER_SECONDS })
      return payload as TokenClaims
    } catch (error) {
      if (isVerdict(error)) throw invalidToken(error.message, scheme)
      throw unavailable(error)
    }
  }
}
