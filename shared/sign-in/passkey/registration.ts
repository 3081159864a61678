import { relyingPartyId } from '../../config.ts'
import { amrOfPasskey } from '../../domain/authentication.ts'
import { MAX_PASSKEYS, passkey, registerPasskey } from '../../domain/passkey.ts'
import { GatewayError } from '../../errors.ts'
import { aboutPerson, type Work } from '../../events/commit.ts'
import type { Gateway } from '../../gateway.ts'
import { newId } from '../../ids.ts'
import { listFactors } from '../../queries/factors.ts'
import { findPasskey, type PasskeyRecord } from '../../queries/passkeys.ts'
import type { Person } from '../../queries/person.ts'
import { uuidToBytes } from '../../tokens/opaque.ts'
import { forgetDevices } from '../factors/remembered-devices.ts'
import type { ProvenFactor } from '../start-session.ts'
import { claimChallenge, newChallenge } from './challenge.ts'
import { challengeOf, type NewCredential } from './credential.ts'
import { providerOf } from './providers.ts'
import { requireRelyingParty } from './relying-party.ts'

/** EdDSA, ES256 and RS256 (COSE), in order of preference. */
const ALGORITHMS = [-8, -7, -257]
const TIMEOUT_MS = 300_000

/** The handle that authenticators store with a credential: the bytes of the UAI, which names no one. */
export const userHandleOf = (uai: string) => uuidToBytes(uai).toString('base64url')

/**
 * Returns the options for a new passkey: discoverable, with the person verified, and without attestation
 * (WebAuthn Level 3 section 5.4, `PublicKeyCredentialCreationOptionsJSON`).
 * @param holder what the challenge is bound to
 * @throws GatewayError passkeys_off
 */
export async function registrationOptions(gateway: Gateway, person: Person, holder: string) {
  const { id, name } = requireRelyingParty(gateway.config)
  const { passkeys } = await listFactors(gateway.reads, gateway.personal, person)
  const account = person.email || person.uai
  return {
    rp: { id, name },
    user: { id: userHandleOf(person.uai), name: account, displayName: person.name ?? account },
    challenge: newChallenge(gateway, { purpose: 'register', holder }),
    pubKeyCredParams: ALGORITHMS.map((alg) => ({ type: 'public-key', alg })),
    timeout: TIMEOUT_MS,
    attestation: 'none',
    excludeCredentials: passkeys.map(({ credentialId, transports }) => ({
      type: 'public-key',
      id: credentialId ?? '',
      transports,
    })),
    authenticatorSelection: { residentKey: 'required', requireResidentKey: true, userVerification: 'required' },
  }
}

/**
 * Returns what browsers receive about a person's passkeys, so that password managers drop removed ones and show the current names
 * (WebAuthn Level 3 section 5.1.10). One entry for each account that passkeys were made for, also before a merge.
 */
export function passkeySignals({ config }: Gateway, person: Person, passkeys: PasskeyRecord[]) {
  const name = person.email || person.uai
  return person.members.map((uai) => ({
    rpId: relyingPartyId(config),
    userId: userHandleOf(uai),
    allAcceptedCredentialIds: passkeys.flatMap((one) =>
      one.uai === uai && one.credentialId ? [one.credentialId] : [],
    ),
    name,
    displayName: person.name ?? name,
  }))
}

type VerifiedPasskey = Omit<Parameters<typeof registerPasskey>[1], 'uai'>

/**
 * Claims the challenge of a new credential and verifies the credential.
 * @param device the browser, named if the provider is unknown
 * @throws GatewayError passkey_expired, passkey_invalid, passkeys_off
 */
export async function verifyNewPasskey(
  gateway: Gateway,
  { credential, holder, device }: { credential: NewCredential; holder: string; device?: string },
): Promise<VerifiedPasskey> {
  const { id: rpId, origins } = requireRelyingParty(gateway.config)
  const challenge = challengeOf(credential)
  await claimChallenge(gateway, challenge, { purpose: 'register', holder })
  const { verifyRegistrationResponse } = await import('./passkey-library.ts')
  const { registrationInfo: info } = await verifyRegistrationResponse({
    response: credential as Parameters<typeof verifyRegistrationResponse>[0]['response'],
    expectedChallenge: challenge,
    expectedOrigin: origins,
    expectedRPID: rpId,
    supportedAlgorithmIDs: ALGORITHMS,
  }).catch((cause: Error) => {
    throw new GatewayError('passkey_invalid', { reason: cause.message, cause })
  })
  if (!info) throw new GatewayError('passkey_invalid', { reason: 'not verified' })
  return {
    rpId,
    name: providerOf(info.aaguid) ?? device ?? 'Passkey',
    credentialId: info.credential.id,
    publicKey: Buffer.from(info.credential.publicKey).toString('base64url'),
    aaguid: info.aaguid,
    transports: credential.response.transports,
    backupEligible: info.credentialDeviceType === 'multiDevice',
    backedUp: info.credentialBackedUp,
    signCount: info.credential.counter,
  }
}

/**
 * Registers a verified passkey of a person in a unit of work.
 * @throws GatewayError passkey_known, too_many_passkeys
 */
export async function recordNewPasskey(
  gateway: Gateway,
  work: Work,
  person: Person,
  verified: VerifiedPasskey,
): Promise<ProvenFactor> {
  const { reads, personal } = gateway
  const digest = personal.digest(verified.credentialId)
  if (await findPasskey(reads, personal, { digest })) throw new GatewayError('passkey_known')
  const { passkeys } = await listFactors(reads, personal, person)
  if (passkeys.length >= MAX_PASSKEYS) throw new GatewayError('too_many_passkeys')
  const id = newId()
  const stream = work.start(passkey, id, aboutPerson(person))
  stream.decide((state) => registerPasskey(state, { ...verified, uai: person.uai }))
  await forgetDevices(gateway, work, person, 'factors_changed')
  return { method: 'passkey', id, amr: amrOfPasskey(verified.backupEligible) }
}
