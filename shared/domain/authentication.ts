/** How sure the proofs of a session make us of its person (OpenID Connect Core section 2, `acr`). */
export const ACR = {
  /** A code by e-mail proves an address, no more (NIST SP 800-63B-4 section 3.1.3.1; docs/security-rules.md S7). */
  verifiedAddress: 'urn:lanonasis:acr:verified-address',
  /** An operator vouches for somebody whom no mail reaches. */
  operatorVouched: 'urn:lanonasis:acr:operator-vouched',
  /** A code from an authenticator app, or a recovery code, alone. */
  singleFactor: 'urn:lanonasis:acr:single-factor',
  /** Another identity provider vouches. */
  federated: 'urn:lanonasis:acr:federated',
  /** Two proofs of different kinds. */
  multiFactor: 'urn:lanonasis:acr:multi-factor',
} as const

/** For how long a sign-in or step-up counts as recent, in seconds. */
export const RECENT_SECONDS = 900

export const isRecent = (at: Date | undefined, now: Date) =>
  at !== undefined && now.getTime() - at.getTime() < RECENT_SECONDS * 1000

/** What a session is proven by after a code from an authenticator app. @see RFC 8176 section 2, for the values of `amr` */
export function strengthen(amr: readonly string[]): { amr: string[]; acr: string } {
  return { amr: [...new Set([...amr, 'otp', 'mfa'])], acr: ACR.multiFactor }
}
