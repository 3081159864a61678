import { createRemoteJWKSet, customFetch, errors, type JWTPayload, jwtVerify } from 'jose'
import { invalidToken, unavailable } from './refusal.ts'

/** The members of an access token that services use (RFC 9068 section 2.2). */
export type TokenClaims = JWTPayload & {
  sub: string
  client_id: string
  scope?: string
  act?: Actor
  cnf?: Confirmation
}

/** The current actor for the subject, with the prior actors (RFC 8693 section 4.1). */
export type Actor = { sub: string; act?: Actor }

/** What a token is bound to (RFC 9449 section 6, RFC 8705 section 3.1). */
export type Confirmation = { jkt?: string; 'x5t#S256'?: string }

const CLOCKS_DIFFER_SECONDS = 5
/** An unknown key may be new, but invented key ids must not cause a flood of requests. */
const UNKNOWN_KEY_MS = 10_000
/** As long as the gateway lets the key set be cached: a removed key is not accepted for longer. */
const KEY_SET_MS = 300_000
const REQUIRED = ['sub', 'client_id', 'exp', 'iat', 'jti']

function isVerdict(error: unknown): error is errors.JOSEError {
  if (!(error instanceof errors.JOSEError) || error.code === 'ERR_JOSE_GENERIC') return false
  return !(error instanceof errors.JWKSTimeout || error instanceof errors.JWKSInvalid)
}

/**
 * Creates the offline check of an access token: issued by the gateway, for this service, unexpired, with a valid signature.
 * @see RFC 9068 section 4
 */
export function createTokenCheck(input: { issuer: string; audience: string; fetch: typeof fetch }) {
  const { issuer, audience } = input
  const keys = createRemoteJWKSet(new URL(`${issuer}/oauth/jwks.json`), {
    cooldownDuration: UNKNOWN_KEY_MS,
    cacheMaxAge: KEY_SET_MS,
    [customFetch]: input.fetch,
  })
  const rules = { issuer, audience, typ: 'at+jwt', algorithms: ['ES256'], requiredClaims: REQUIRED }

  /** @throws RequestRefused invalid_token, temporarily_unavailable if the keys cannot be loaded */
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
