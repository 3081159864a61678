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
  /** A passkey that verified the person: bound to this site, so that no other page can ask for it (NIST SP 800-63B-4 section 3.2.5). */
  phishingResistant: 'urn:lanonasis:acr:phishing-resistant',
} as const

/** For how long a sign-in or step-up counts as recent, in seconds. */
export const RECENT_SECONDS = 900

export const isRecent = (at: Date | undefined, now: Date) =>
  at !== undefined && now.getTime() - at.getTime() < RECENT_SECONDS * 1000

/**
 * The `amr` of a passkey: its key may leave the device only if it is eligible for backup. Presence is tested, and here also the person
 * verified. @see RFC 8176 section 2
 */
export const amrOfPasskey = (backupEligible: boolean) => [backupEligible ? 'swk' : 'hwk', 'user']

/**
 * The `acr` and `amr` of a session after a code from an authenticator app, or after a passkey.
 * @param passkeyAmr of the passkey
 */
export function strengthen(
  session: { amr: readonly string[]; acr: string },
  passkeyAmr?: readonly string[],
): { amr: string[]; acr: string } {
  const resistant = passkeyAmr !== undefined || session.acr === ACR.phishingResistant
  return {
    amr: [...new Set([...session.amr, ...(passkeyAmr ?? ['otp']), 'mfa'])],
    acr: resistant ? ACR.phishingResistant : ACR.multiFactor,
  }
}

/**
 * Whether an authentication is one that a second factor is asked after: by a code, link, password or provider. Passkeys are two factors
 * in one; codes of an authenticator app, recovery codes and codes of operators are what a lost first factor is replaced by.
 */
export const lacksSecondFactor = (acr: string) => acr === ACR.verifiedAddress || acr === ACR.federated
