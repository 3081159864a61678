import type { PersonPrincipal } from '../access/authenticate.ts'
import { commitAs } from '../access/authority.ts'
import { unnamedResources } from '../access/resource.ts'
import type { Call } from '../call.ts'
import type { Notice } from '../delivery/send-notice.ts'
import { ACR, lacksSecondFactor } from '../domain/authentication.ts'
import type { Authority } from '../domain/derivation.ts'
import { GatewayError } from '../errors.ts'
import { commit, type Work } from '../events/commit.ts'
import type { RateLimit } from '../events/store.ts'
import type { Gateway } from '../gateway.ts'
import type { SessionCookies } from '../http/cookies.ts'
import { SESSION_SCOPE } from '../oauth/token/scope.ts'
import { startTokenFamily } from '../oauth/token/token-family.ts'
import type { GrantFacts, StartedFamily } from '../oauth/token/token-response.ts'
import type { MappedClaims } from '../people/create-identity.ts'
import { linkAccount, type ProvenAccount } from '../people/external-account.ts'
import { notifyFactorChange } from '../people/factor-notices.ts'
import type { UpstreamFacts } from '../people/profile.ts'
import { nameOfMethod } from '../people/sign-in-methods.ts'
import { checkSignIn, noticePlace } from '../people/sign-in-places.ts'
import type { Client } from '../queries/api-clients.ts'
import type { Person, SessionFacts } from '../queries/person.ts'
import type { SignedIn } from '../queries/sessions.ts'
import { endReplaced } from './end-session.ts'
import { rememberBrowser } from './known-browser.ts'
import { askForSecondFactor, holdSignIn, missingFactor } from './second-factor.ts'
import { afterSignIn, beforeSignIn, hooksFor, type SignInFacts } from './sign-in-hooks.ts'
import {
  type Authentication,
  clientOfPlatform,
  type ProvenFactor,
  type StartedSession,
  sessionCookies,
  startSession,
  strengthenSession,
  strengthenStarted,
} from './start-session.ts'

/** The result of a sign-in method, settled in the unit of work. */
export type Settled = {
  person: Person
  authentication: Authentication
  /** Whether this sign-in created the identity. */
  isNew?: boolean
  /** The second factor, if the method presents one after the first. */
  second?: ProvenFactor
  /** The client that `verify` was called with, and the default resources, if the method reads them. */
  client?: Client
  resources?: string[]
  /** When the proven credential ends; the session ends with it. */
  notAfter?: Date
  /** The provider's session that this one is based on. */
  upstream?: { slug: string; facts: UpstreamFacts }
  /** An account that was proven earlier, to be linked to the person. */
  link?: ProvenAccount
  notice?: { kind: Notice['kind']; what?: string }
}

/** A read and compared factor. */
export type Verification = {
  /** What hooks receive; absent if the check failed, so that hooks are not called for guesses. */
  facts?: Omit<SignInFacts, 'platform'>
  /** Records the result in the unit of work, and finds or creates the identity; throws if the check failed. */
  settle(work: Work, claims: MappedClaims, now: Date): Promise<Settled>
}

/** Verifies a factor. `completeSignIn` does everything after that. */
export type SignInMethod = {
  /** Slug of the connection whose hooks are called in addition to those of all sign-ins. */
  connection?: string
  /**
   * Reads and compares, once; called again only after hooks and after a lost race.
   * @param clientId of the client that tokens are for
   */
  verify(clientId?: string): Promise<Verification>
  /** The hooks that were asked when the first factor was proven, for a method that presents the second one. */
  asked?: AskedHooks
}

export type AskedHooks = { connection?: string; facts: SignInFacts }

export type SignInRequest = {
  platform: string
  projectScope: string
  /** The browser's current session, which the new one replaces. */
  replaces?: SignedIn
  /** Whether only the person of that session may sign in. */
  samePerson?: boolean
  /** The tokens to start with the session: the pair of the platform's own client, or one access token of a grant. */
  tokens?: 'pair' | Omit<GrantFacts, 'familyId'>
  /** A browser that can be sent to the page for the second factor, and where it continues after that. */
  page?: { returnTo?: string; handsTokensTo?: string }
  /** The user code of the device that the sign-in approves. */
  device?: string
  /**
   * How a provider's assertion counts for the second factor: `asserted` if it says that several were presented; `waived` if the session
   * is for everyday use only.
   */
  secondFactor?: 'asserted' | 'waived'
}

export type CompletedSignIn = {
  person: Person
  session: StartedSession
  family?: StartedFamily
  /** For a browser. */
  cookies?: SessionCookies
}

/** Starts the requested tokens. Those of a pair end with the session. */
function startTokens(
  gateway: Gateway,
  work: Work,
  tokens: SignInRequest['tokens'],
  { person, session, client, resources = [], now }: Settled & { session: StartedSession; now: Date },
): StartedFamily | undefined {
  if (!tokens) return undefined
  if (tokens !== 'pair') {
    const grant = { kind: 'authorization' as const, ...tokens, person, session }
    return startTokenFamily(gateway, work, grant, { offline: false, withoutRefresh: true, now })
  }
  if (client?.status !== 'active') throw new GatewayError('invalid_client', { reason: 'platform client' })
  const pair = { client, scope: SESSION_SCOPE, resources: unnamedResources(gateway.issuer, client, resources) }
  return startTokenFamily(gateway, work, { kind: 'session', ...pair, person, session }, { offline: false, now })
}

/** Returns a sign-in for which a provider asserts that several factors were presented there (RFC 8176, `mfa`). */
function withAssertion(settled: Settled, { secondFactor }: SignInRequest): Settled {
  const { authentication } = settled
  if (secondFactor !== 'asserted' || !lacksSecondFactor(authentication.acr)) return settled
  const amr = [...new Set([...authentication.amr, 'mfa'])]
  return { ...settled, authentication: { ...authentication, amr, acr: ACR.multiFactor } }
}

/**
 * Completes a sign-in: calls hooks, records the factor, settles the identity, replaces the browser's session, links a pending account and
 * starts tokens and queues notices, as one unit of work. The only place where a sign-in starts a session.
 * A person who must present a second factor is asked for it first: then only the first one is recorded.
 * @throws GatewayError as the method, the hooks and linkAccount; invalid_client, signed_in_as_another, mfa_required,
 *   insufficient_user_authentication; StepDone to the page for the second factor
 */
export async function completeSignIn(
  call: Call,
  method: SignInMethod,
  request: SignInRequest,
): Promise<CompletedSignIn> {
  const { gateway } = call
  const { platform, projectScope, replaces, tokens } = request
  const clientId = tokens && (tokens === 'pair' ? clientOfPlatform(platform) : tokens.client.client_id)
  const [hooks, first] = await Promise.all([hooksFor(gateway, method.connection), method.verify(clientId)])
  const facts = hooks.length > 0 && first.facts ? { ...first.facts, platform } : undefined
  const claims = facts ? await beforeSignIn(call, hooks, facts) : {}
  // A hook may take seconds, and what was read before it may have changed: an app enrolled, a person suspended or just created.
  let read: Verification | undefined = facts ? undefined : first
  const result = await commit(call, async (work) => {
    const verification = read ?? (await method.verify(clientId))
    read = undefined
    // A code that becomes correct only after the hooks were due must not bypass them.
    if (hooks.length > 0 && verification.facts && !facts)
      throw new GatewayError('otp_invalid', { reason: 'hooks were not called' })
    const now = gateway.now()
    const settled = withAssertion(await verification.settle(work, claims, now), request)
    const { person, link, notice, second } = settled
    if (request.samePerson && replaces && !person.members.includes(replaces.person.uai))
      throw new GatewayError('signed_in_as_another')
    const isGrant = tokens !== undefined && tokens !== 'pair'
    const checks = settled.isNew ? undefined : await checkSignIn(call, person)
    const missing = request.secondFactor === undefined ? await missingFactor(call, settled, checks) : undefined
    if (missing) {
      // No person is there to ask.
      if (isGrant) throw new GatewayError('insufficient_user_authentication')
      const asked = facts && { connection: method.connection, facts: { ...facts, person } }
      return { held: holdSignIn(gateway, work, settled, request, { factors: missing, hooks: asked }) }
    }
    await endReplaced(work, replaces)
    const session = startSession(gateway, work, { ...settled, platform, projectScope, authenticatedAt: now, now })
    const started = second ? await strengthenStarted(work, { person, session, second, now }) : session
    if (!isGrant) await noticePlace(call, work, { person, sessionId: session.id, seenAt: 'sign_in', checks })
    const isLinked = link && (await linkAccount(gateway, work, link, { person, sessionId: session.id, byMail: true }))
    if (isLinked) notifyFactorChange(call, work, { person, kind: 'sign_in_method_added', what: nameOfMethod(link) })
    if (notice) notifyFactorChange(call, work, { person, ...notice })
    const family = startTokens(gateway, work, tokens, { ...settled, session: started, now })
    return { person, session: started, family, now }
  })
  if (result.held) return askForSecondFactor(call, result.held)
  const { person, session, family, now } = result
  const asked = facts ? { connection: method.connection, facts } : method.asked
  if (asked) {
    const informed = facts ? hooks : await hooksFor(gateway, asked.connection)
    afterSignIn(call, informed, { ...asked.facts, person })
  }
  if (platform !== 'web') return { person, session, family }
  const knownBrowser = rememberBrowser(call, { uai: person.uai, sessionId: session.id })
  return { person, session, family, cookies: { ...sessionCookies(person, session, now), knownBrowser } }
}

/**
 * Completes a step-up: records one more factor in the caller's browser session, and queues a notice, as one unit of work.
 * @param factor.record proves the factor in the unit of work
 * @param factor.what name of the factor in the notice
 * @returns the cookies with the session's new handle
 * @throws GatewayError as `factor.record`; session_invalid, another_proof_needed
 */
export async function completeStepUp(
  call: Call,
  principal: PersonPrincipal,
  factor: { record(work: Work): Promise<ProvenFactor>; notice?: Notice['kind']; what?: string },
): Promise<SessionCookies> {
  return commitAs(call, principal, async (work) => {
    const proven = await factor.record(work)
    if (factor.notice)
      notifyFactorChange(call, work, { person: principal.person, kind: factor.notice, what: factor.what })
    return strengthenSession(work, principal, proven, call.now())
  })
}

/**
 * Opens a session of another application from one that is signed in (single sign-on). No factor is presented, so no hook is called and no
 * session is replaced; the new session ends with the original one.
 * @throws GatewayError invalid_scope, rate_limited, derivation_exceeded
 */
export async function openApplicationSession(
  call: Call,
  { person, session }: { person: Person; session: SessionFacts },
  tokens: Omit<GrantFacts, 'familyId'>,
  { from, limits }: { from: Authority; limits: RateLimit[] },
): Promise<StartedFamily> {
  const { gateway } = call
  return commit(call, async (work) => {
    const now = gateway.now()
    const { client } = tokens
    const { id, method, amr, acr, authenticatedAt, projectScope, openedFrom = id } = session
    work.actor = { type: 'person', id: person.uai, clientId: client.client_id, sessionId: id }
    work.limits = limits
    const authentication = { method, amr, acr, provenBy: { type: 'session' as const, id } }
    const of = { platform: 'web', projectScope, openedFrom, authenticatedAt, notAfter: session.expiresAt, now }
    const started = startSession(gateway, work, { person, client, authentication, ...of })
    const grant = { kind: 'authorization' as const, ...tokens, person, session: started }
    return startTokenFamily(gateway, work, grant, { offline: false, from, now })
  })
}
