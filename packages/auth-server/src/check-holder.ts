import type { Confirmation } from './check-token.ts'
import { checkDpopProof, PROOF_SECONDS } from './dpop-proof.ts'
import { equalHash } from './equal-hash.ts'
import { invalidToken } from './refusal.ts'

/** Evidence that the holder presents a bound token, with the member names of the gateway. */
export type HolderProof = {
  dpop_proof?: string
  dpop_htm?: string
  dpop_htu?: string
  client_certificate_thumbprint?: string
}

type Presented = {
  token: string
  scheme: 'Bearer' | 'DPoP'
  confirmation: Confirmation | undefined
  /** Value of the `DPoP` header. */
  proof: string | undefined
  method: string
  /** The address of the request, from configuration. */
  url: string
  thumbprint: string | undefined
}

async function checkKey(presented: Presented, jkt: string): Promise<{ jti: string }> {
  const { token, scheme, proof: header, method, url } = presented
  if (scheme !== 'DPoP') throw invalidToken('DPoP-bound token as Bearer', 'DPoP')
  if (!header) throw invalidToken('no DPoP proof', 'DPoP', 'invalid_dpop_proof')
  const input = { proof: header, method, urls: [url], accessToken: token, now: new Date() }
  const { proof, problem } = await checkDpopProof(input)
  if (!proof) throw invalidToken(`DPoP proof: ${problem}`, 'DPoP', 'invalid_dpop_proof')
  if (!equalHash(proof.jkt, jkt)) throw invalidToken('DPoP proof of another key', 'DPoP')
  return proof
}

/**
 * Checks that the holder presents a bound token. A token with an unknown kind of binding is rejected.
 * @param isFirst claims the id of a DPoP proof; not needed in online mode, where the gateway does it for all instances
 * @throws RequestRefused invalid_token, invalid_dpop_proof (401)
 * @see RFC 9449 section 7, RFC 8705 section 3
 */
export async function checkHolder(presented: Presented, isFirst?: (id: string) => boolean): Promise<HolderProof> {
  const { scheme, confirmation, proof, method, url, thumbprint } = presented
  const { jkt, 'x5t#S256': bound } = confirmation ?? {}
  if (confirmation && jkt === undefined && bound === undefined) throw invalidToken('unknown kind of binding', scheme)
  if (jkt === undefined && scheme === 'DPoP') throw invalidToken('unbound token as DPoP', 'DPoP')
  if (bound !== undefined && !thumbprint) throw invalidToken('certificate-bound token without a certificate', scheme)
  if (bound !== undefined && !equalHash(bound, thumbprint ?? ''))
    throw invalidToken('certificate-bound token with another certificate', scheme)
  if (jkt !== undefined) {
    const { jti } = await checkKey(presented, jkt)
    if (isFirst && !isFirst(`${jkt} ${jti}`))
      throw invalidToken('DPoP proof: seen before', 'DPoP', 'invalid_dpop_proof')
  }
  return {
    ...(jkt !== undefined && { dpop_proof: proof, dpop_htm: method, dpop_htu: url }),
    ...(bound !== undefined && { client_certificate_thumbprint: thumbprint }),
  }
}

/** Remembers the ids of proofs in this process for as long as they are valid. */
export function rememberProofs(now = Date.now): (id: string) => boolean {
  const forgottenAt = new Map<string, number>()
  return (id) => {
    const time = now()
    for (const [old, at] of forgottenAt) {
      if (at > time) break
      forgottenAt.delete(old)
    }
    if (forgottenAt.has(id)) return false
    forgottenAt.set(id, time + 2 * PROOF_SECONDS * 1000)
    return true
  }
}
