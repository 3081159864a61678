/** Authentication context classes of a session (OpenID Connect Core section 2, `acr`). */
export const ACR = {
  /** A code by e-mail proves only an address (NIST SP 800-63B-4 section 3.1.3.1; docs/security-rules.md S7). */
  verifiedAddress: 'urn:lanonasis:acr:verified-address',
  /** An operator vouches for a person who cannot receive codes. */
  operatorVouched: 'urn:lanonasis:acr:operator-vouched',
  /** A code from an authenticator app, or a recovery code, alone. */
  singleFactor: 'urn:lanonasis:acr:single-factor',
  /** Authenticated by an external identity provider. */
  federated: 'urn:lanonasis:acr:federated',
  /** Two factors of different types. */
  multiFactor: 'urn:lanonasis:acr:multi-factor',
} as const

/** For how long a sign-in or step-up counts as recent, in seconds. */
export const RECENT_SECONDS = 900

export const isRecent = (at: Date | undefined, now: Date) =>
  at !== undefined && now.getTime() - at.getTime() < RECENT_SECONDS * 1000

/** The `acr` and `amr` of a session after a code from an authenticator app. @see RFC 8176 section 2 */
export function strengthen(amr: readonly string[]): { amr: string[]; acr: string } {
  return { amr: [...new Set([...amr, 'otp', 'mfa'])], acr: ACR.multiFactor }
}
