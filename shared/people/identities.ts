import type { Call } from '../call.ts'
import { absorb, type Evidence, identity, linkCredential, mergeInto, release, split } from '../domain/identity.ts'
import { GatewayError } from '../errors.ts'
import { aboutPerson, commit, type Work } from '../events/commit.ts'
import type { Gateway } from '../gateway.ts'
import { newId } from '../ids.ts'
import { findNamed } from '../queries/connections.ts'
import { countSides, findExternal, findPerson } from '../queries/identities.ts'
import type { Person } from '../queries/person.ts'
import { SUPABASE_SLUG } from '../sso/supabase-project.ts'
import { emailLookup } from '../typed/email.ts'
import { createIdentity } from './create-identity.ts'
import { externalCredential, externalLookup } from './external-account.ts'

/** Merges two identities. The caller must have authenticated both. @throws GatewayError merge_impossible */
export async function mergeIdentities(
  work: Work,
  input: { survivor: Person; retired: Person; evidence: Evidence },
): Promise<void> {
  const { survivor, retired, evidence } = input
  if (survivor.uai === retired.uai) throw new GatewayError('merge_impossible', { reason: 'the same person' })
  const kept = await work.load(identity, survivor.uai, aboutPerson(survivor))
  const gone = await work.load(identity, retired.uai, aboutPerson(retired))
  kept.decide((state) => absorb(state, retired.uai))
  gone.decide((state) => mergeInto(state, { into: survivor.uai, evidence }))
}

/**
 * Undoes a merge: the retired identity gets back what it had before.
 * @param input.uai the retired identity
 * @throws GatewayError not_found, not_merged
 */
export async function splitIdentity(work: Work, input: { uai: string; reason: string }): Promise<void> {
  const { uai, reason } = input
  const stream = await work.load(identity, uai, { subject: uai })
  const { mergedInto, status } = stream.state
  if (status === 'none') throw new GatewayError('not_found')
  stream.decide((state) => split(state, reason))
  if (!mergedInto) return
  const parent = await work.load(identity, mergedInto, { subject: mergedInto })
  parent.decide(() => release(uai))
}

/**
 * Refuses a split after which one of the two could not sign in.
 * @throws GatewayError last_credential
 */
export async function refuseStranding({ reads }: Gateway, work: Work, uai: string): Promise<void> {
  const { members = [] } = (await countSides(reads, uai)) ?? {}
  for (const one of members) (await work.load(identity, one, { subject: one })).hold()
  const sides = await countSides(reads, uai)
  if (sides && members.length > 1 && (sides.own === 0 || sides.rest === 0)) throw new GatewayError('last_credential')
}

type VendorAccount = {
  provider: string
  external_id: string
  email?: string
  name?: string
  /** The person to link the account to, authenticated by a subject token. */
  person?: Person
  sessionId?: string
  /** Client id of the service that asserts the account. */
  assertedBy: string
}

/**
 * Returns the person of a vendor's account: the one it is linked to, the one of the subject token, or a new one. A matching address
 * alone links nothing: the error then names what is needed.
 * @throws GatewayError credential_taken, proof_needed (409)
 */
export async function mapVendorAccount(
  call: Call,
  account: VendorAccount,
  act: (work: Work) => void,
): Promise<{ uai: string; created: boolean; linked: boolean }> {
  const { provider, external_id: externalId, email, name, assertedBy } = account
  const { personal, reads } = call.gateway
  const digest = personal.digest(externalLookup(provider, externalId))
  const addressDigest = email ? personal.digest(emailLookup(email)) : undefined
  const proven = { provider, externalId, method: 'service', assertedBy }
  return commit(call, async (work) => {
    act(work)
    const signInProvider = provider.toLowerCase() === SUPABASE_SLUG || (await findNamed(reads, provider))
    if (signInProvider) throw new GatewayError('provider_reserved')
    const found = await findExternal(reads, personal, { digest, addressDigest })
    const { person: holder } = found
    const { person } = account
    if (holder && person && holder.uai !== person.uai)
      throw new GatewayError('credential_taken', { body: { needed: ['merge'] } })
    if (holder) return { uai: holder.uai, created: false, linked: false }
    if (person) {
      const stream = await work.load(identity, person.uai, aboutPerson(person))
      stream.decide((state) => linkCredential(state, externalCredential(proven, account.sessionId)))
      return { uai: person.uai, created: false, linked: true }
    }
    if (found.addressKnown) throw new GatewayError('proof_needed', { body: { needed: ['subject_token'] } })
    const uai = newId()
    const evidence = { method: 'service', assertedBy }
    const unproven = { credentialId: newId(), kind: 'email' as const, verified: false, evidence }
    const addresses = email ? [{ ...unproven, address: email }] : []
    createIdentity(work, { uai, credentials: [externalCredential(proven), ...addresses], name, now: call.now() })
    return { uai, created: true, linked: true }
  })
}

/** Finds a person by any UAI that they have or had. @throws GatewayError not_found */
export async function personOf({ reads, personal }: Gateway, uai: string): Promise<Person> {
  const person = await findPerson(reads, personal, uai)
  if (!person) throw new GatewayError('not_found')
  return person
}
