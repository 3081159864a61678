import type { Call } from '../call.ts'
import { changeIdentity, identity, linkCredential } from '../domain/identity.ts'
import { GatewayError } from '../errors.ts'
import { aboutPerson, commit, type Work } from '../events/commit.ts'
import type { Gateway } from '../gateway.ts'
import { newId } from '../ids.ts'
import { findAccount, findHolder, settleAccount } from '../people/external-account.ts'
import { notifyFactorChange } from '../people/factor-notices.ts'
import type { ExternalProfile } from '../people/profile.ts'
import { nameOfMethod, removeSignInMethod } from '../people/sign-in-methods.ts'
import { listCredentials } from '../queries/credentials.ts'
import { hasAuthenticator } from '../queries/factors.ts'
import { findByAddress } from '../queries/identities.ts'
import type { Person } from '../queries/person.ts'
import { profileOfUser, SUPABASE_SLUG, type SupabaseUser, supabaseAccount } from '../sso/supabase-project.ts'
import { emailLookup } from '../typed/email.ts'

const act = (work: Work) => {
  work.actor = { type: 'service', id: SUPABASE_SLUG }
}

/** Returns the person of a user of our Supabase project, if known. */
export const findSupabasePerson = (gateway: Gateway, externalId: string): Promise<Person | undefined> =>
  findHolder(gateway, { provider: SUPABASE_SLUG, externalId })

/**
 * Updates a known person: sets a missing name, and adds an address that they have since confirmed there, unless they have an
 * authenticator app, which a mailbox cannot replace.
 * @returns the address that was added
 */
async function bringUpToDate(
  { reads, personal }: Gateway,
  work: Work,
  person: Person,
  profile: ExternalProfile,
): Promise<string | undefined> {
  const { name, email, emailVerified } = profile
  const lookup = email && emailVerified ? emailLookup(email) : undefined
  const holder = lookup && (await findByAddress(reads, personal, personal.digest(lookup)))
  if (holder && holder.uai !== person.uai) throw new GatewayError('credential_taken', { body: { needed: ['merge'] } })
  const isNewAddress = email && lookup && !holder && !(await hasAuthenticator(reads, person))
  const isNewName = name && !person.name
  if (!isNewAddress && !isNewName) return undefined
  const stream = await work.load(identity, person.uai, aboutPerson(person))
  if (isNewName) stream.decide((state) => changeIdentity(state, { name }))
  if (!isNewAddress) return undefined
  const evidence = { method: 'supabase', assertedBy: SUPABASE_SLUG }
  const facts = { credentialId: newId(), kind: 'email' as const, verified: true, evidence }
  stream.decide((state) => linkCredential(state, { ...facts, address: email, lookup }))
  return email
}

/**
 * Imports a user of our Supabase project, or their changes. Repeated input changes nothing. An unconfirmed address links no existing
 * account, nor does the address of a person with an authenticator app. The person is notified of new ways to sign in.
 * @returns the UAI, and whether it is new
 * @throws GatewayError link_needed, credential_taken (409), service_unavailable
 */
export async function syncUser(call: Call, user: SupabaseUser) {
  const { gateway } = call
  const profile = await profileOfUser(gateway, user)
  return commit(call, async (work) => {
    act(work)
    const notify = (person: Person, what?: string) =>
      notifyFactorChange(call, work, { person, kind: 'sign_in_method_added', what })
    const known = await findSupabasePerson(gateway, user.id)
    if (known) {
      const address = known.active ? await bringUpToDate(gateway, work, known, profile) : undefined
      if (address) notify(known, address)
      return { uai: known.uai, created: false }
    }
    const account = supabaseAccount(profile, 'supabase')
    const found = await findAccount(gateway, account)
    const { person, isNew, isLinked } = await settleAccount(gateway, work, { ...account, now: call.now() }, found, {})
    if (isLinked) notify(person, nameOfMethod({ provider: SUPABASE_SLUG }))
    return { uai: person.uai, created: isNew }
  })
}

/** Handles a deleted user: unlinks their account, unless it is the person's only way to sign in. */
export async function forgetUser(call: Call, userId: string): Promise<string | undefined> {
  const { gateway } = call
  const person = await findSupabasePerson(gateway, userId)
  if (!person) return undefined
  const all = await listCredentials(gateway.reads, gateway.personal, person)
  const account = all.find(({ provider, address }) => provider === SUPABASE_SLUG && address === userId)
  const input = { person, credentialId: account?.id ?? '', reason: 'supabase_user_deleted', act }
  await removeSignInMethod(call, input).catch((error: unknown) => {
    if (!(error instanceof GatewayError) || error.refusal !== 'last_credential') throw error
  })
  return person.uai
}
