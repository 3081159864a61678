import type { PersonPrincipal } from '../../access/authenticate.ts'
import type { Call } from '../../call.ts'
import { ACR, amrOfPasskey } from '../../domain/authentication.ts'
import { type AuthenticatorFlags, type PasskeyPurpose, passkey, usePasskey } from '../../domain/passkey.ts'
import { GatewayError } from '../../errors.ts'
import type { Work } from '../../events/commit.ts'
import type { Gateway } from '../../gateway.ts'
import { findPasskey, type PasskeyRecord } from '../../queries/passkeys.ts'
import type { SignInMethod } from '../complete.ts'
import { resumeFactor } from '../factors/check-factor.ts'
import type { ProvenFactor } from '../start-session.ts'
import { type ChallengeUse, claimChallenge, newChallenge } from './challenge.ts'
import { type Assertion, challengeOf } from './credential.ts'
import { userHandleOf } from './registration.ts'
import { requireRelyingParty } from './relying-party.ts'

const TIMEOUT_MS = 300_000

/**
 * Returns the options to ask for a passkey with the person verified (WebAuthn Level 3 section 5.5, `PublicKeyCredentialRequestOptionsJSON`).
 * @param passkeys those that are accepted; any discoverable one unless given
 * @throws GatewayError passkeys_off
 */
export function requestOptions(gateway: Gateway, use: ChallengeUse, passkeys: PasskeyRecord[] = []) {
  return {
    challenge: newChallenge(gateway, use),
    rpId: requireRelyingParty(gateway.config).id,
    timeout: TIMEOUT_MS,
    userVerification: 'required',
    allowCredentials: passkeys.map(({ credentialId, transports }) => ({
      type: 'public-key',
      id: credentialId ?? '',
      transports,
    })),
  }
}

/** An assertion whose challenge was claimed, so it is presented once. */
export type Presented = { credential: Assertion; challenge: string; purpose: PasskeyPurpose }

/** @throws GatewayError passkey_expired, passkey_invalid */
export async function presentPasskey(
  gateway: Gateway,
  credential: Assertion,
  { purpose, holder }: ChallengeUse & { purpose: PasskeyPurpose },
): Promise<Presented> {
  const challenge = challengeOf(credential)
  await claimChallenge(gateway, challenge, { purpose, holder })
  return { credential, challenge, purpose }
}

/** @throws GatewayError passkey_invalid */
async function verifyAssertion(
  gateway: Gateway,
  { credential, challenge, purpose }: Presented,
  { credentialId, publicKey, uai }: PasskeyRecord,
): Promise<AuthenticatorFlags> {
  const { id: rpId, origins } = requireRelyingParty(gateway.config)
  const { userHandle } = credential.response
  // Without a list of accepted credentials, the handle names the account (section 7.2, step 6).
  if (userHandle ? userHandle !== userHandleOf(uai) : purpose === 'sign_in')
    throw new GatewayError('passkey_invalid', { reason: 'user handle of another account' })
  if (!credentialId || !publicKey) throw new GatewayError('passkey_invalid', { reason: 'no data key' })
  const { verifyAuthenticationResponse } = await import('./passkey-library.ts')
  const { verified, authenticationInfo: info } = await verifyAuthenticationResponse({
    response: credential as Parameters<typeof verifyAuthenticationResponse>[0]['response'],
    expectedChallenge: challenge,
    expectedOrigin: origins,
    expectedRPID: rpId,
    // The count is compared by the domain, which records a regression.
    credential: { id: credentialId, publicKey: new Uint8Array(Buffer.from(publicKey, 'base64url')), counter: 0 },
  }).catch((cause: Error) => {
    throw new GatewayError('passkey_invalid', { reason: cause.message, cause })
  })
  if (!verified) throw new GatewayError('passkey_invalid', { reason: 'signature' })
  const backupEligible = info.credentialDeviceType === 'multiDevice'
  return { backupEligible, backedUp: info.credentialBackedUp, signCount: info.newCounter }
}

/** Finds the passkey of an assertion, and verifies that. @throws GatewayError passkey_invalid */
async function checkPasskey(gateway: Gateway, presented: Presented, clientId?: string) {
  const { reads, personal } = gateway
  const digest = personal.digest(presented.credential.id)
  const found = await findPasskey(reads, personal, { digest, clientId })
  if (!found) throw new GatewayError('passkey_invalid', { reason: 'unknown credential' })
  const flags = await verifyAssertion(gateway, presented, found.passkey)
  return { ...found, flags }
}

/** Records the use of a passkey in a unit of work. @throws GatewayError passkey_cloned, passkey_invalid */
function recordUse(
  work: Work,
  { passkey: found, flags }: { passkey: PasskeyRecord; flags: AuthenticatorFlags },
  purpose: PasskeyPurpose,
): void {
  resumeFactor(work, passkey, found).decide((state) => usePasskey(state, { ...flags, purpose }))
}

/** Returns the sign-in by a passkey: two factors in one, bound to this site. */
export function passkeyMethod({ gateway }: Call, presented: Presented): SignInMethod {
  return {
    async verify(clientId) {
      const checked = await checkPasskey(gateway, presented, clientId)
      const { passkey: found, person, client, resources } = checked
      return {
        facts: { method: 'passkey', proofs: ['passkey'], person, profile: { email: person.email } },
        async settle(work) {
          recordUse(work, checked, presented.purpose)
          work.actor = { type: 'person', id: person.uai }
          if (!person.active) work.refuse('account_suspended')
          const amr = amrOfPasskey(found.state.backupEligible)
          const provenBy = { type: 'passkey' as const, id: found.id }
          const authentication = { method: 'passkey', amr, acr: ACR.phishingResistant, provenBy }
          return { person, client, resources, authentication }
        },
      }
    },
  }
}

/** Proves a passkey of the signed-in person in a unit of work. @throws GatewayError passkey_cloned, passkey_invalid */
export async function provePasskey(
  gateway: Gateway,
  work: Work,
  { person }: PersonPrincipal,
  presented: Presented,
): Promise<ProvenFactor> {
  const checked = await checkPasskey(gateway, presented)
  const { id, uai, state } = checked.passkey
  if (!person.members.includes(uai)) throw new GatewayError('passkey_invalid', { reason: 'of another person' })
  recordUse(work, checked, presented.purpose)
  return { method: 'passkey', id, amr: amrOfPasskey(state.backupEligible) }
}
