import type { CDPSession, Page } from 'playwright-core'

export type VirtualAuthenticator = {
  /** Of its credentials: id, count, backup flags. */
  credentials(): Promise<{ credentialId: string; signCount: number; backupEligibility?: boolean }[]>
  /** Sets the count of the only credential, as a clone that was used less would have it. */
  count(signCount: number): Promise<void>
  /** Whether it verifies the person. */
  verify(verified: boolean): Promise<void>
  /** Whether the person touches it without being asked, as conditional requests need. */
  touch(automatic: boolean): Promise<void>
  remove(): Promise<void>
}

/**
 * Adds an authenticator to a page of Chromium (WebDriver extension of WebAuthn, by the DevTools protocol).
 * @param options.synced whether its passkeys are eligible for backup
 */
export async function addAuthenticator(
  page: Page,
  options: { synced?: boolean; automatic?: boolean } = {},
): Promise<VirtualAuthenticator> {
  const { synced = false, automatic = true } = options
  const devtools: CDPSession = await page.context().newCDPSession(page)
  await devtools.send('WebAuthn.enable', { enableUI: false })
  const { authenticatorId } = await devtools.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      ...{ protocol: 'ctap2', ctap2Version: 'ctap2_1', transport: 'internal' },
      ...{ hasResidentKey: true, hasUserVerification: true, isUserVerified: true },
      ...{ automaticPresenceSimulation: automatic, defaultBackupEligibility: synced, defaultBackupState: synced },
    },
  })
  const list = async () => (await devtools.send('WebAuthn.getCredentials', { authenticatorId })).credentials
  return {
    credentials: list,
    async count(signCount) {
      const [credential] = await list()
      if (!credential) throw new Error('no credential')
      await devtools.send('WebAuthn.removeCredential', { authenticatorId, credentialId: credential.credentialId })
      await devtools.send('WebAuthn.addCredential', { authenticatorId, credential: { ...credential, signCount } })
    },
    verify: async (isUserVerified) => {
      await devtools.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified })
    },
    touch: async (enabled) => {
      await devtools.send('WebAuthn.setAutomaticPresenceSimulation', { authenticatorId, enabled })
    },
    remove: async () => {
      await devtools.send('WebAuthn.removeVirtualAuthenticator', { authenticatorId })
    },
  }
}
