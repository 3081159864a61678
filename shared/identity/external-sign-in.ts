import { uuidv7 } from 'uuidv7'
import { type Credential, changeIdentity, identity, linkCredential } from '../domain/identity.ts'
import { GatewayError } from '../errors.ts'
import { commit, type Work } from '../events/commit.ts'
import { commitContext, type Gateway } from '../gateway.ts'
import type { AppContext } from '../http/app.ts'
import { normaliseEmail } from '../personal.ts'
import type { Client } from '../queries/api-clients.ts'
import type { ConnectionRow } from '../queries/connections.ts'
import { findByAddress, findExternal } from '../queries/external-accounts.ts'
import type { Person } from '../queries/person.ts'
import type { SignedIn } from '../queries/sessions.ts'
import type { ExternalProfile } from '../sso/profile.ts'
import { createIdentity, type Standing } from './create-identity.ts'
import { endReplaced } from './end-session.ts'
import { afterSignIn, beforeSignIn, hooksFor, type MappedClaims, type SignInFacts } from './sign-in-hooks.ts'
import { type StartedSession, startSession } from './start-session.ts'

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

/** The address of a new person, as far as it is worth: found by it is only who proved it, or whom a trusted provider vouches for. */
function addressCredential(connection: ConnectionRow, { email, emailVerified }: ExternalProfile): Credential[] {
  if (!email) return []
  const trusted = connection.settings.trust_email && emailVerified
  const evidence = { method: 'sso', assertedBy: connection.slug }
  const lookup = trusted ? normaliseEmail(email) : undefined
  return [{ credentialId: uuidv7(), kind: 'email', verified: trusted, evidence, address: email, lookup }]
}

export type ExternalSignIn = {
  connection: ConnectionRow
  profile: ExternalProfile
  method: string
  platform: string
  projectScope: string
  clientId?: string
  replaces?: SignedIn
  /** The mailbox was confirmed by our own project, which is as good as by us: the account becomes its owner's. */
  ownMailbox?: boolean
}

export type SignedInExternally = {
  person: Person
  session: StartedSession
  client?: Client
  resources: string[]
  now: Date
}

const accountOf = ({ connection, profile, method }: ExternalSignIn): ProvenAccount => ({
  provider: connection.slug,
  externalId: profile.externalId,
  method,
  assertedBy: connection.slug,
})

/**
 * Signs in the person whose account at another provider this is, or makes one at their first sign-in. An address that is somebody's
 * here already links nothing: its owner must prove it (standards S10).
 * @throws GatewayError link_needed, not_provisioned, access_denied
 */
export async function signInExternally<T>(
  gateway: Gateway,
  c: AppContext,
  input: ExternalSignIn,
  more: (work: Work, signedIn: SignedInExternally) => T | Promise<T>,
): Promise<T> {
  const { connection, profile } = input
  const { personal, reads } = gateway
  const digest = personal.digest(externalLookup(connection.slug, profile.externalId))
  const addressDigest = profile.email ? personal.digest(normaliseEmail(profile.email)) : undefined
  const hooks = await hooksFor(gateway, connection.slug)
  const facts = hooks.length > 0 ? await factsOf(gateway, input, { digest, addressDigest }) : undefined
  const claims = facts ? await beforeSignIn(gateway, c, hooks, facts) : {}
  const result = await commit(commitContext(gateway, c), async (work) => {
    const now = new Date()
    const found = await findExternal(reads, personal, { digest, addressDigest, clientId: input.clientId })
    const { client, resources } = found
    const holder =
      !found.person && found.addressKnown && input.ownMailbox && addressDigest
        ? await findByAddress(reads, personal, addressDigest)
        : undefined
    if (!found.person && found.addressKnown && !holder) throw new GatewayError('link_needed')
    const known = found.person ?? holder
    if (!known && !connection.settings.provision) throw new GatewayError('not_provisioned')
    if (known?.active === false) throw new GatewayError('access_denied', { reason: 'suspended' })
    const uai = known?.uai ?? uuidv7()
    work.knowKey(uai, known?.wrappedKey ?? undefined)
    work.actor = { type: 'person', id: uai, clientId: client?.client_id }
    const person = known
      ? await applyClaims(work, known, claims)
      : createIdentity(work, {
          uai,
          credentials: [externalCredential(accountOf(input)), ...addressCredential(connection, profile)],
          name: claims.name ?? profile.name,
          locale: claims.locale ?? profile.locale,
          standing: standingOf(claims),
          now,
        })
    work.knowKey(person.uai, person.wrappedKey ?? undefined)
    if (holder) await linkAccount(gateway, work, accountOf(input), { person: holder })
    await endReplaced(work, input.replaces)
    const session = startSession(gateway, work, {
      person,
      client,
      platform: input.platform,
      projectScope: input.projectScope,
      proof: {
        method: input.method,
        amr: [...new Set([...(profile.amr ?? []), 'fed'])],
        acr: 'urn:lanonasis:acr:federated',
        provenBy: { type: 'connection', id: connection.id },
      },
      authenticatedAt: now,
      now,
    })
    return { person, value: await more(work, { person, session, client, resources, now }) }
  })
  if (facts) afterSignIn(gateway, c, hooks, { ...facts, person: result.person })
  return result.value
}

/** What hooks are told; who it is, as far as that is known already. */
async function factsOf(
  { reads, personal }: Gateway,
  { connection, profile, method, platform }: ExternalSignIn,
  digests: { digest: Uint8Array; addressDigest?: Uint8Array },
): Promise<SignInFacts> {
  const { person } = await findExternal(reads, personal, digests)
  const { externalId: subject, email, emailVerified: email_verified, name, locale } = profile
  const proofs = [`${method}:${connection.slug}`]
  return {
    method,
    connection: connection.slug,
    platform,
    proofs,
    person,
    profile: { subject, email, email_verified, name, locale },
  }
}

const standingOf = ({ role, plan, organization_id }: MappedClaims): Standing => ({
  ...(role && { role }),
  ...(plan && { plan }),
  ...(organization_id && { organizationId: organization_id }),
})

/** What a hook said of somebody who is known, where it is not so already. */
async function applyClaims(work: Work, person: Person, claims: MappedClaims): Promise<Person> {
  const { name, locale } = claims
  const wanted = { ...standingOf(claims), ...(name && { name }), ...(locale && { locale }) }
  const changes = Object.fromEntries(
    Object.entries(wanted).filter(([member, value]) => value !== person[member as keyof typeof wanted]),
  )
  if (Object.keys(changes).length === 0) return person
  const stream = await work.load(identity, person.uai, { subject: person.uai })
  stream.decide((state) => changeIdentity(state, changes))
  return { ...person, ...changes }
}

/**
 * Links an account that was proven in this browser to the person who is signed in, or signs in, in it.
 * @throws GatewayError credential_taken when it is somebody else's
 */
export async function linkAccount(
  { reads, personal }: Gateway,
  work: Work,
  account: ProvenAccount,
  to: { person: Person; sessionId?: string },
): Promise<void> {
  const digest = personal.digest(externalLookup(account.provider, account.externalId))
  const { person: holder } = await findExternal(reads, personal, { digest })
  if (holder?.uai === to.person.uai) return
  if (holder) throw new GatewayError('credential_taken')
  const { uai, wrappedKey } = to.person
  work.knowKey(uai, wrappedKey ?? undefined)
  const stream = await work.load(identity, uai, { subject: uai })
  stream.decide((state) => linkCredential(state, externalCredential(account, to.sessionId)))
}
