import { decodeProtectedHeader, errors, type JWK, type JWTPayload, jwtVerify } from 'jose'
import { CLIENT_SIGNING_ALGORITHMS } from '../../../packages/auth-server/src/signing-algorithms.ts'
import type { PublicJwk } from '../../domain/api-client.ts'
import type { Gateway } from '../../gateway.ts'
import type { Client } from '../../queries/api-clients.ts'
import { clientKeys } from './client-keys.ts'

/** The only client assertion type (RFC 7523 section 2.2). */
export const JWT_BEARER = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

/** The longest lifetime of an assertion, and the tolerated clock skew, in seconds (docs/security-rules.md M1). */
const MAX_SECONDS = 300
const SKEW_SECONDS = 10
const MAX_ID_LENGTH = 512
const MAX_KEYS_TRIED = 8
const TYPES = ['jwt', 'client-authentication+jwt']
const KEY_TYPES: Record<string, string> = { ES: 'EC', PS: 'RSA', RS: 'RSA', Ed: 'OKP' }

function headerProblem({ alg, typ }: { alg?: string; typ?: unknown }, registered: string | undefined) {
  if (!alg || !CLIENT_SIGNING_ALGORITHMS.includes(alg)) return 'alg'
  if (registered && alg !== registered) return `alg is not ${registered}`
  // A JWT for another purpose must not be accepted here (RFC 8725 section 3.11).
  const known = typ === undefined || (typeof typ === 'string' && TYPES.includes(typ.toLowerCase()))
  return known ? undefined : 'typ'
}

function claimProblem({ aud, exp, iat, jti }: JWTPayload, issuer: string, now: Date): string | undefined {
  const audience = Array.isArray(aud) && aud.length === 1 ? aud[0] : aud
  if (audience !== issuer) return 'aud is not the issuer alone'
  const seconds = now.getTime() / 1000
  const latest = seconds + MAX_SECONDS + SKEW_SECONDS
  if (exp === undefined || exp > latest) return 'exp'
  if (iat !== undefined && (iat > seconds + SKEW_SECONDS || iat < seconds - MAX_SECONDS - SKEW_SECONDS)) return 'iat'
  return typeof jti === 'string' && jti !== '' && jti.length <= MAX_ID_LENGTH ? undefined : 'jti'
}

/** Returns the registered keys that may have made a signature. Keys inside the assertion are ignored, except for the key id. */
function candidates(keys: readonly PublicJwk[], { alg = '', kid }: { alg?: string; kid?: string }): JWK[] {
  const fits = (key: PublicJwk) =>
    key.kty === KEY_TYPES[alg.slice(0, 2)] &&
    key.use !== 'enc' &&
    (!key.alg || key.alg === alg) &&
    (!kid || !key.kid || key.kid === kid)
  return keys.filter(fits).slice(0, MAX_KEYS_TRIED) as JWK[]
}

async function verified(assertion: string, keys: readonly JWK[], options: object): Promise<JWTPayload | undefined> {
  for (const { kty, crv, x, y, n, e } of keys)
    try {
      return (await jwtVerify(assertion, { kty, crv, x, y, n, e } as JWK, options)).payload
    } catch (error) {
      const mayFitAnother =
        error instanceof errors.JWSSignatureVerificationFailed || !(error instanceof errors.JOSEError)
      if (!mayFitAnother) throw error
    }
  return undefined
}

/**
 * Returns the id of an assertion that authenticates its client to this server only. The caller must still claim the id.
 * @throws Error with the problem, GatewayError if the client's keys cannot be fetched
 * @see RFC 7523 section 3, as updated by RFC 10070
 */
export async function checkAssertion(
  { issuer, now }: Pick<Gateway, 'issuer' | 'now'>,
  client: Client,
  assertion: string,
): Promise<{ jti: string; expiresAt: Date }> {
  const header = decodeProtectedHeader(assertion)
  const problem = headerProblem(header, client.metadata.token_endpoint_auth_signing_alg)
  if (problem) throw new Error(problem)
  const claims = await verified(assertion, candidates(await clientKeys(client, header.kid), header), {
    issuer: client.client_id,
    subject: client.client_id,
    algorithms: CLIENT_SIGNING_ALGORITHMS,
    clockTolerance: SKEW_SECONDS,
    currentDate: now(),
  })
  if (!claims) throw new Error('not signed by a registered key')
  const claim = claimProblem(claims, issuer, now())
  if (claim) throw new Error(claim)
  const { jti = '', exp = 0 } = claims
  return { jti, expiresAt: new Date((exp + SKEW_SECONDS) * 1000) }
}
