/** How sure the proofs of a session make us of its person (OpenID Connect Core section 2, `acr`). */
export const ACR = {
  /** A code by e-mail proves an address, no more (NIST SP 800-63B-4 section 3.1.3.1; standards S7). */
  verifiedAddress: 'urn:lanonasis:acr:verified-address',
  /** Another identity provider vouches. */
  federated: 'urn:lanonasis:acr:federated',
  /** Two proofs of different kinds. */
  multiFactor: 'urn:lanonasis:acr:multi-factor',
} as const

/** For how long a step-up counts as recent, in seconds. */
export const RECENT_SECONDS = 900

export type StepUpMethod = 'totp'

/**
 * What a session is proven by after one more proof.
 * @returns undefined where the proof is the same one that the session began with
 * @see RFC 8176 section 2, for the values of `amr`
 */
export function strengthen(
  session: { method: string; amr: readonly string[] },
  method: StepUpMethod,
): { amr: string[]; acr: string } | undefined {
  if (session.method === method) return undefined
  return { amr: [...new Set([...session.amr, 'otp', 'mfa'])], acr: ACR.multiFactor }
}
