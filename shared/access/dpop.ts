import { createHmac } from 'node:crypto'
import { checkDpopProof, PROOF_SECONDS } from '../../packages/auth-server/src/dpop-proof.ts'
import { equalHash } from '../../packages/auth-server/src/equal-hash.ts'
import type { Call } from '../call.ts'
import { GatewayError } from '../errors.ts'
import type { Gateway } from '../gateway.ts'
import { mirrorsOf } from '../http/canonical-path.ts'
import { claimOnce } from '../queries/replay-guard.ts'

/** A nonce is accepted in the window it was issued in and in the next. */
const NONCE_SECONDS = 300
/** A `jti` is kept longer than its proof is valid, since the database clock may differ. */
const KEEP_SECONDS = PROOF_SECONDS + 60

function nonceOf({ ring }: Gateway, window: number): string {
  return createHmac('sha256', ring.key('dpop-nonce')).update(String(window)).digest('base64url')
}

const windowAt = (now: Date) => Math.floor(now.getTime() / (NONCE_SECONDS * 1000))

/** A stateless nonce that every instance derives and accepts (RFC 9449 section 8). */
export function dpopNonce(gateway: Gateway, now: Date): string {
  return nonceOf(gateway, windowAt(now))
}

function isFreshNonce(gateway: Gateway, nonce: string | undefined, now: Date): boolean {
  const window = windowAt(now)
  return [window, window - 1, window + 1].some((one) => equalHash(nonceOf(gateway, one), nonce ?? ''))
}

export type ProvenKey =
  | { jkt: string; error?: undefined }
  | { jkt?: undefined; error: 'use_dpop_nonce' | 'invalid_dpop_proof'; reason: string }

/**
 * Verifies a proof and consumes its `jti` (RFC 9449 section 11.1).
 * @param input.wantsNonce whether the proof was made for this gateway, which may require a nonce
 */
export async function proveKey(
  gateway: Gateway,
  input: { proof: string; method: string; urls: readonly string[]; accessToken?: string; wantsNonce: boolean },
): Promise<ProvenKey> {
  const now = gateway.now()
  const { proof, problem } = await checkDpopProof({ ...input, now })
  if (!proof) return { error: 'invalid_dpop_proof', reason: `DPoP proof: ${problem}` }
  if (input.wantsNonce && gateway.config.DPOP_NONCE_REQUIRED && !isFreshNonce(gateway, proof.nonce, now))
    return { error: 'use_dpop_nonce', reason: 'DPoP proof: nonce' }
  const forgottenAt = new Date(proof.issuedAt.getTime() + KEEP_SECONDS * 1000)
  const first = await claimOnce(gateway.reads, 'dpop-proof', [proof.jkt, proof.jti], forgottenAt)
  return first ? { jkt: proof.jkt } : { error: 'invalid_dpop_proof', reason: 'DPoP proof: replayed' }
}

/** Every URL of the current endpoint, from configuration and never from the Host header (docs/security-rules.md K2). */
function urlsOf(call: Call): string[] {
  const { issuer, config } = call.gateway
  const bases = config.MTLS_BASE_URL ? [issuer, config.MTLS_BASE_URL] : [issuer]
  return bases.flatMap((base) => mirrorsOf(call.request.path).map((path) => base + path))
}

/** The `DPoP-Nonce` header with the next nonce; none when nonces are not required. */
export function nonceHeaders(gateway: Gateway): Record<string, string> {
  return gateway.config.DPOP_NONCE_REQUIRED ? { 'DPoP-Nonce': dpopNonce(gateway, gateway.now()) } : {}
}

const proven = new WeakMap<Call, { accessToken?: string; key: Promise<ProvenKey> }>()

/** The key proven by the request's proof. A proof is single-use, so the result is cached per token. */
export async function keyOfRequest(call: Call, accessToken?: string): Promise<ProvenKey | undefined> {
  const proof = call.request.header('dpop')
  if (proof === undefined) return undefined
  const known = proven.get(call)
  if (known && known.accessToken === accessToken) return known.key
  const request = { proof, method: call.request.method, urls: urlsOf(call), accessToken, wantsNonce: true }
  const key = proveKey(call.gateway, request)
  proven.set(call, { accessToken, key })
  return key
}

/**
 * The thumbprint of the key that a token request proves, to bind the tokens to; undefined without a `DPoP` header.
 * Call it after client authentication, since it consumes the proof's `jti`; further calls are cached.
 * @throws GatewayError invalid_dpop_proof, use_dpop_nonce (400, with `DPoP-Nonce`)
 * @see RFC 9449 section 5
 */
export async function dpopKeyOf(call: Call): Promise<string | undefined> {
  const key = await keyOfRequest(call)
  if (!key) return undefined
  const headers = nonceHeaders(call.gateway)
  if (key.error) throw new GatewayError(key.error, { reason: key.reason, headers })
  for (const [name, value] of Object.entries(headers)) call.setHeader(name, value)
  return key.jkt
}
