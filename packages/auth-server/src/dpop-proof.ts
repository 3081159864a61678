import { createHash } from 'node:crypto'
import { calculateJwkThumbprint, EmbeddedJWK, type JWK, type JWTPayload, jwtVerify } from 'jose'
import { equalHash } from './equal-hash.ts'
import { CLIENT_SIGNING_ALGORITHMS, PRIVATE_JWK_MEMBERS } from './signing-algorithms.ts'

/** Maximum age and maximum clock lead of a proof, in seconds (docs/security-rules.md K1). */
export const PROOF_SECONDS = 60
const AHEAD_SECONDS = 10
const MAX_PROOF_LENGTH = 4096
const MAX_ID_LENGTH = 512

type DpopProof = {
  /** Thumbprint of the proven key (RFC 7638). */
  jkt: string
  jti: string
  nonce?: string
  issuedAt: Date
}

type ProofVerdict = { proof: DpopProof; problem?: undefined } | { proof?: undefined; problem: string }

/** Scheme, host and path; query and fragment do not count. */
function target(uri: string): string | undefined {
  if (!URL.canParse(uri)) return undefined
  const { protocol, host, pathname, username, password } = new URL(uri)
  return username || password ? undefined : `${protocol}//${host}${pathname}`
}

function claimProblem(
  { htm, htu, jti, iat, ath, nonce }: JWTPayload,
  input: { method: string; urls: readonly string[]; accessToken?: string; now: Date },
): string | undefined {
  if (htm !== input.method) return 'htm'
  const called = typeof htu === 'string' ? target(htu) : undefined
  if (!called || !input.urls.some((url) => target(url) === called)) return 'htu'
  const age = input.now.getTime() / 1000 - (iat ?? Number.NaN)
  if (!(age <= PROOF_SECONDS && age >= -AHEAD_SECONDS)) return 'iat'
  if (typeof jti !== 'string' || jti === '' || jti.length > MAX_ID_LENGTH) return 'jti'
  if (nonce !== undefined && typeof nonce !== 'string') return 'nonce'
  if (input.accessToken === undefined) return undefined
  const hash = createHash('sha256').update(input.accessToken).digest('base64url')
  return typeof ath === 'string' && equalHash(ath, hash) ? undefined : 'ath'
}

/**
 * Checks a proof for one request and returns the key it proves. The caller must still consume its `jti`.
 * @param input.proof value of the `DPoP` header; two headers arrive as one value with a comma, which no proof contains
 * @param input.urls every URL under which the request may have been made, from configuration
 * @param input.accessToken the token presented with it, whose hash the proof must carry
 * @see RFC 9449 section 4.3
 */
export async function checkDpopProof(input: {
  proof: string
  method: string
  urls: readonly string[]
  accessToken?: string
  now: Date
}): Promise<ProofVerdict> {
  const { proof, now } = input
  if (proof.length > MAX_PROOF_LENGTH || !/^[\w-]+\.[\w-]+\.[\w-]+$/.test(proof)) return { problem: 'not one proof' }
  try {
    const options = { typ: 'dpop+jwt', algorithms: CLIENT_SIGNING_ALGORITHMS, currentDate: now }
    const { payload, protectedHeader } = await jwtVerify(proof, EmbeddedJWK, options)
    const jwk = protectedHeader.jwk as JWK
    if (PRIVATE_JWK_MEMBERS.some((name) => name in jwk)) return { problem: 'private key' }
    const problem = claimProblem(payload, input)
    if (problem) return { problem }
    const { jti = '', nonce, iat = 0 } = payload as JWTPayload & { nonce?: string }
    return { proof: { jkt: await calculateJwkThumbprint(jwk), jti, nonce, issuedAt: new Date(iat * 1000) } }
  } catch (error) {
    return { problem: error instanceof Error ? error.message : 'unreadable' }
  }
}
