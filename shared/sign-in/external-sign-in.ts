import { ACR } from '../domain/authentication.ts'
import { commit, type Work } from '../events/commit.ts'
import { commitContext, type Gateway } from '../gateway.ts'
import type { AppContext } from '../http/app.ts'
import { digestsOf, type ProviderAccount, settleAccount } from '../people/external-account.ts'
import type { UpstreamFacts } from '../people/profile.ts'
import { tellOfProofs } from '../people/proof-notices.ts'
import { nameOfMethod } from '../people/sign-in-methods.ts'
import type { Client } from '../queries/api-clients.ts'
import type { ConnectionRow } from '../queries/connections.ts'
import { findExternal } from '../queries/external-accounts.ts'
import type { Person } from '../queries/person.ts'
import type { SignedIn } from '../queries/sessions.ts'
import { endReplaced } from './end-session.ts'
import { afterSignIn, beforeSignIn, hooksFor, type SignInFacts } from './hooks/sign-in-hooks.ts'
import { type StartedSession, startSession } from './start-session.ts'

export type ExternalSignIn = ProviderAccount & {
  platform: string
  projectScope: string
  clientId?: string
  replaces?: SignedIn
}

export type SignedInExternally = {
  person: Person
  session: StartedSession
  client?: Client
  resources: string[]
  now: Date
}

/**
 * Signs in the person whose account at another provider this is, or makes one at their first sign-in.
 * @throws GatewayError as settleAccount and the hooks
 */
export async function signInExternally<T>(
  gateway: Gateway,
  c: AppContext,
  input: ExternalSignIn,
  more: (work: Work, signedIn: SignedInExternally) => T | Promise<T>,
): Promise<T> {
  const { connection, profile } = input
  const hooks = await hooksFor(gateway, connection.slug)
  const facts = hooks.length > 0 ? await factsOf(gateway, input) : undefined
  const claims = facts ? await beforeSignIn(gateway, c, hooks, facts) : {}
  const result = await commit(commitContext(gateway, c), async (work) => {
    const now = gateway.now()
    const { person, isLinked, client, resources } = await settleAccount(gateway, work, { ...input, now }, claims)
    await endReplaced(work, input.replaces)
    const session = startSession(gateway, work, {
      person,
      client,
      platform: input.platform,
      projectScope: input.projectScope,
      proof: {
        method: input.method,
        amr: [...new Set([...(profile.amr ?? []), 'fed'])],
        acr: ACR.federated,
        provenBy: { type: 'connection', id: connection.id },
      },
      authenticatedAt: now,
      notAfter: profile.notAfter ? new Date(profile.notAfter) : undefined,
      upstream: profile.upstream && { slug: connection.slug, facts: upstreamOf(connection, profile.upstream) },
      now,
    })
    return { person, isLinked, value: await more(work, { person, session, client, resources, now }) }
  })
  const name = nameOfMethod({ provider: connection.slug })
  if (result.isLinked) tellOfProofs(gateway, c, result.person, 'sign_in_method_added', name)
  if (facts) afterSignIn(gateway, c, hooks, { ...facts, person: result.person })
  return result.value
}

/** What is kept of the session there: an ID token only where signing out here signs out there. */
const upstreamOf = ({ settings }: ConnectionRow, { idToken, ...facts }: UpstreamFacts): UpstreamFacts =>
  settings.logout ? { ...facts, idToken } : facts

/** What hooks are told; who it is, as far as that is known already. */
async function factsOf(gateway: Gateway, input: ExternalSignIn): Promise<SignInFacts> {
  const { connection, profile, method, platform } = input
  const { person } = await findExternal(gateway.reads, gateway.personal, digestsOf(gateway, input))
  const { externalId: subject, email, emailVerified: email_verified, name, locale } = profile
  const proofs = [`${method}:${connection.slug}`]
  const told = { subject, email, email_verified, name, locale }
  return { method, connection: connection.slug, platform, proofs, person, profile: told }
}
