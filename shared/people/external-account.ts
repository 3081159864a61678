import type { Call } from '../call.ts'
import { type Credential, identity, linkCredential } from '../domain/identity.ts'
import { GatewayError } from '../errors.ts'
import { aboutPerson, commit, type Work } from '../events/commit.ts'
import type { Gateway } from '../gateway.ts'
import { newId } from '../ids.ts'
import type { Client } from '../queries/api-clients.ts'
import type { ConnectionRow } from '../queries/connections.ts'
import { hasAuthenticator } from '../queries/factors.ts'
import { findByAddress, findExternal } from '../queries/identities.ts'
import type { Person } from '../queries/person.ts'
import type { SignedIn } from '../queries/sessions.ts'
import { emailDomain, emailLookup } from '../typed/email.ts'
import { applyClaims, createIdentity, type MappedClaims, standingOf } from './create-identity.ts'
import { notifyFactorChange } from './factor-notices.ts'
import type { ExternalProfile } from './profile.ts'
import { nameOfMethod } from './sign-in-methods.ts'

/** The lookup value of an account at an external provider. */
export const externalLookup = (provider: string, externalId: string) => `${provider.toLowerCase()}\n${externalId}`

/** An external account that the user has authenticated with and that is not linked yet. */
export type ProvenAccount = { provider: string; externalId: string; method: string; assertedBy: string }

export function externalCredential(account: ProvenAccount, sessionId?: string): Credential {
  const { provider, externalId, method, assertedBy } = account
  return {
    credentialId: newId(),
    kind: 'external',
    provider: provider.toLowerCase(),
    verified: true,
    evidence: { method, assertedBy, ...(sessionId && { sessionId }) },
    address: externalId,
    lookup: externalLookup(provider, externalId),
  }
}

/** Whether to trust a provider's verification of an address: it is trusted for e-mail, within its domains if it has any. */
function vouchesFor({ settings }: ConnectionRow, { email = '', emailVerified }: ExternalProfile): boolean {
  const { trust_email, domains } = settings
  return trust_email && emailVerified && (domains.length === 0 || domains.includes(emailDomain(email)))
}

/** The address of a new person. Only an address that a trusted provider verified can be looked up. */
function addressCredential(connection: ConnectionRow, profile: ExternalProfile): Credential[] {
  const { email } = profile
  if (!email) return []
  const verified = vouchesFor(connection, profile)
  const evidence = { method: 'sso', assertedBy: connection.slug }
  const lookup = verified ? emailLookup(email) : undefined
  return [{ credentialId: newId(), kind: 'email', verified, evidence, address: email, lookup }]
}

const belonging = ({ settings: { organization_id } }: ConnectionRow) =>
  organization_id === undefined ? {} : { organizationId: organization_id }

/** An account at an external provider, as authenticated there. */
export type ProviderAccount = {
  connection: ConnectionRow
  profile: ExternalProfile
  method: string
  /** Our own Supabase project verified the mailbox: the account is linked to its owner if they have no authenticator app. */
  ownMailbox?: boolean
}

export const accountOf = ({ connection, profile, method }: ProviderAccount): ProvenAccount => ({
  provider: connection.slug,
  externalId: profile.externalId,
  method,
  assertedBy: connection.slug,
})

/** Lookup digests of an account and its address. */
export const digestsOf = ({ personal }: Gateway, { connection, profile }: ProviderAccount) => ({
  digest: personal.digest(externalLookup(connection.slug, profile.externalId)),
  addressDigest: profile.email ? personal.digest(emailLookup(profile.email)) : undefined,
})

type FoundAccount = {
  /** The person whom the account is linked to. */
  person?: Person
  /** The person who verified its address here, if the account is to be linked to them. */
  owner?: Person
  addressKnown: boolean
  /** The client that a sign-in is for, and the default resources. */
  client?: Client
  resources: string[]
}

/** Finds the person whom an external account belongs to. */
export async function findAccount(
  gateway: Gateway,
  input: ProviderAccount & { clientId?: string },
): Promise<FoundAccount> {
  const { personal, reads } = gateway
  const { digest, addressDigest } = digestsOf(gateway, input)
  const found = await findExternal(reads, personal, { digest, addressDigest, clientId: input.clientId })
  if (found.person || !found.addressKnown || !input.ownMailbox || !addressDigest) return found
  const owner = await findByAddress(reads, personal, addressDigest)
  return owner && !(await hasAuthenticator(reads, owner)) ? { ...found, owner } : found
}

type SettledAccount = { person: Person; isNew: boolean; isLinked: boolean }

/**
 * Returns the person of an external account, or creates one. Accounts are never linked by a matching address alone: its owner must
 * confirm it (docs/security-rules.md S10), and a person with an authenticator app must link the account in a stepped-up session.
 * @param claims the claims that hooks returned
 * @throws GatewayError link_needed, not_provisioned, account_suspended
 */
export async function settleAccount(
  gateway: Gateway,
  work: Work,
  input: ProviderAccount & { now: Date },
  { person: holder, owner, addressKnown, client }: FoundAccount,
  claims: MappedClaims,
): Promise<SettledAccount> {
  const { connection, profile, now } = input
  const known = holder ?? owner
  if (!known && addressKnown) throw new GatewayError('link_needed', { body: { needed: ['subject_token'] } })
  if (!known && !connection.settings.provision) throw new GatewayError('not_provisioned')
  if (known?.active === false) throw new GatewayError('account_suspended')
  const uai = known?.uai ?? newId()
  if (work.actor.type === 'anonymous') work.actor = { type: 'person', id: uai, clientId: client?.client_id }
  const person = known
    ? await applyClaims(work, known, claims)
    : createIdentity(work, {
        uai,
        credentials: [externalCredential(accountOf(input)), ...addressCredential(connection, profile)],
        name: claims.name ?? profile.name,
        locale: claims.locale ?? profile.locale,
        standing: { ...belonging(connection), ...standingOf(claims) },
        now,
      })
  const isLinked = owner ? await linkAccount(gateway, work, accountOf(input), { person: owner }) : false
  return { person, isNew: !known, isLinked }
}

/** Returns the person whom an account is linked to. */
export async function findHolder(
  { reads, personal }: Gateway,
  { provider, externalId }: Pick<ProvenAccount, 'provider' | 'externalId'>,
): Promise<Person | undefined> {
  const digest = personal.digest(externalLookup(provider, externalId))
  return (await findExternal(reads, personal, { digest })).person
}

/** @throws GatewayError credential_taken when the account is already linked */
export async function refuseTaken(gateway: Gateway, account: ProvenAccount): Promise<void> {
  if (await findHolder(gateway, account)) throw new GatewayError('credential_taken')
}

/**
 * Links an account authenticated in this browser to the person who is signed in, or signs in, in it.
 * @param to.byMail they proved only a mailbox, which is not enough for a person with an authenticator app
 * @returns whether this call linked it
 * @throws GatewayError credential_taken when it is linked to another person
 */
export async function linkAccount(
  gateway: Gateway,
  work: Work,
  account: ProvenAccount,
  to: { person: Person; sessionId?: string; byMail?: boolean },
): Promise<boolean> {
  const holder = await findHolder(gateway, account)
  if (holder?.uai === to.person.uai) return false
  if (holder) throw new GatewayError('credential_taken')
  if (to.byMail && (await hasAuthenticator(gateway.reads, to.person))) return false
  const stream = await work.load(identity, to.person.uai, aboutPerson(to.person))
  stream.decide((state) => linkCredential(state, externalCredential(account, to.sessionId)))
  return true
}

/**
 * Links an authenticated account to the signed-in person, and sends them a notice.
 * @returns whether this call linked it
 * @throws GatewayError credential_taken when it is another person's
 */
export async function addAccount(call: Call, account: ProvenAccount, { person, session }: SignedIn): Promise<boolean> {
  return commit(call, async (work) => {
    work.actor = { type: 'person', id: person.uai, sessionId: session.id }
    const isLinked = await linkAccount(call.gateway, work, account, { person, sessionId: session.id })
    const what = nameOfMethod(account)
    if (isLinked) notifyFactorChange(call, work, { person, kind: 'sign_in_method_added', what })
    return isLinked
  })
}
