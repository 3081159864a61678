import { uuidv7 } from 'uuidv7'
import { type Credential, identity, linkCredential } from '../domain/identity.ts'
import { GatewayError } from '../errors.ts'
import type { Work } from '../events/commit.ts'
import type { Gateway } from '../gateway.ts'
import type { Client } from '../queries/api-clients.ts'
import type { ConnectionRow } from '../queries/connections.ts'
import { findByAddress, findExternal } from '../queries/external-accounts.ts'
import type { Person } from '../queries/person.ts'
import { hasAuthenticator } from '../queries/proofs.ts'
import { emailDomain, emailLookup } from '../typed/email.ts'
import { createIdentity } from './create-identity.ts'
import { applyClaims, type MappedClaims, standingOf } from './mapped-claims.ts'
import type { ExternalProfile } from './profile.ts'

/** What an account at somebody else's is found by. */
export const externalLookup = (provider: string, externalId: string) => `${provider.toLowerCase()}\n${externalId}`

/** An account that somebody proved, and that is not linked yet. */
export type ProvenAccount = { provider: string; externalId: string; method: string; assertedBy: string }

export function externalCredential(account: ProvenAccount, sessionId?: string): Credential {
  const { provider, externalId, method, assertedBy } = account
  return {
    credentialId: uuidv7(),
    kind: 'external',
    provider: provider.toLowerCase(),
    verified: true,
    evidence: { method, assertedBy, ...(sessionId && { sessionId }) },
    address: externalId,
    lookup: externalLookup(provider, externalId),
  }
}

/** Whether a provider's word for an address counts: it is trusted with addresses, and where it has domains, with those alone. */
function vouchesFor({ settings }: ConnectionRow, { email = '', emailVerified }: ExternalProfile): boolean {
  const { trust_email, domains } = settings
  return trust_email && emailVerified && (domains.length === 0 || domains.includes(emailDomain(email)))
}

/** The address of a new person, as far as it is worth: found by it is only who proved it, or whom a trusted provider vouches for. */
export function addressCredential(connection: ConnectionRow, profile: ExternalProfile): Credential[] {
  const { email } = profile
  if (!email) return []
  const verified = vouchesFor(connection, profile)
  const evidence = { method: 'sso', assertedBy: connection.slug }
  const lookup = verified ? emailLookup(email) : undefined
  return [{ credentialId: uuidv7(), kind: 'email', verified, evidence, address: email, lookup }]
}

const belonging = ({ settings: { organization_id } }: ConnectionRow) =>
  organization_id === undefined ? {} : { organizationId: organization_id }

/** Somebody's account at another provider, as it was proven. */
export type ProviderAccount = {
  connection: ConnectionRow
  profile: ExternalProfile
  method: string
  /** The mailbox was confirmed by our own project, which is as good as by us: the account becomes its owner's, if they have no app. */
  ownMailbox?: boolean
}

export const accountOf = ({ connection, profile, method }: ProviderAccount): ProvenAccount => ({
  provider: connection.slug,
  externalId: profile.externalId,
  method,
  assertedBy: connection.slug,
})

/** What an account and its address are found by. */
export const digestsOf = ({ personal }: Gateway, { connection, profile }: ProviderAccount) => ({
  digest: personal.digest(externalLookup(connection.slug, profile.externalId)),
  addressDigest: profile.email ? personal.digest(emailLookup(profile.email)) : undefined,
})

export type Settled = { person: Person; isNew: boolean; isLinked: boolean; client?: Client; resources: string[] }

/**
 * The person whose account this is, or a new one. An address that is somebody's here already links nothing: its owner must prove it
 * (standards S10), and whoever has an authenticator app must link it in a session that was stepped up: no mailbox is enough for that.
 * @param input.clientId the client a sign-in is for
 * @param claims what hooks say of the person
 * @throws GatewayError link_needed, not_provisioned, account_suspended
 */
export async function settleAccount(
  gateway: Gateway,
  work: Work,
  input: ProviderAccount & { clientId?: string; now: Date },
  claims: MappedClaims,
): Promise<Settled> {
  const { connection, profile, ownMailbox, clientId, now } = input
  const { personal, reads } = gateway
  const { digest, addressDigest } = digestsOf(gateway, input)
  const found = await findExternal(reads, personal, { digest, addressDigest, clientId })
  const { client, resources } = found
  const isOwners = !found.person && found.addressKnown && ownMailbox && addressDigest
  const owner = isOwners ? await findByAddress(reads, personal, addressDigest) : undefined
  const holder = owner && !(await hasAuthenticator(reads, personal, owner)) ? owner : undefined
  if (!found.person && found.addressKnown && !holder)
    throw new GatewayError('link_needed', { body: { needed: ['subject_token'] } })
  const known = found.person ?? holder
  if (!known && !connection.settings.provision) throw new GatewayError('not_provisioned')
  if (known?.active === false) throw new GatewayError('account_suspended')
  const uai = known?.uai ?? uuidv7()
  work.knowKey(uai, known?.wrappedKey ?? undefined)
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
  work.knowKey(person.uai, person.wrappedKey ?? undefined)
  const isLinked = holder ? await linkAccount(gateway, work, accountOf(input), { person: holder }) : false
  return { person, isNew: !known, isLinked, client, resources }
}

/** @throws GatewayError credential_taken when the account is somebody's already */
export async function refuseTaken({ reads, personal }: Gateway, account: ProvenAccount): Promise<void> {
  const digest = personal.digest(externalLookup(account.provider, account.externalId))
  if ((await findExternal(reads, personal, { digest })).person) throw new GatewayError('credential_taken')
}

/**
 * Links an account that was proven in this browser to the person who is signed in, or signs in, in it.
 * @param to.byMail a mailbox is all that they proved, which links nothing to somebody who has an authenticator app
 * @returns whether it was linked by this
 * @throws GatewayError credential_taken when it is somebody else's
 */
export async function linkAccount(
  { reads, personal }: Gateway,
  work: Work,
  account: ProvenAccount,
  to: { person: Person; sessionId?: string; byMail?: boolean },
): Promise<boolean> {
  const digest = personal.digest(externalLookup(account.provider, account.externalId))
  const { person: holder } = await findExternal(reads, personal, { digest })
  if (holder?.uai === to.person.uai) return false
  if (holder) throw new GatewayError('credential_taken')
  if (to.byMail && (await hasAuthenticator(reads, personal, to.person))) return false
  const { uai, wrappedKey } = to.person
  work.knowKey(uai, wrappedKey ?? undefined)
  const stream = await work.load(identity, uai, { subject: uai })
  stream.decide((state) => linkCredential(state, externalCredential(account, to.sessionId)))
  return true
}
