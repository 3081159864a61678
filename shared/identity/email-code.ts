import { randomInt } from 'node:crypto'
import { uuidv7 } from 'uuidv7'
import type { DeliveryResult } from '../delivery/deliver.ts'
import { ACR } from '../domain/authentication.ts'
import type { Credential } from '../domain/identity.ts'
import * as otp from '../domain/otp-challenge.ts'
import { GatewayError } from '../errors.ts'
import { commit, type Work } from '../events/commit.ts'
import type { RateLimit } from '../events/store.ts'
import { commitContext, type Gateway } from '../gateway.ts'
import type { AppContext } from '../http/app.ts'
import { askedLanguage } from '../http/locale.ts'
import { addressKey, networkKey } from '../http/rate-limit.ts'
import { normaliseEmail } from '../personal.ts'
import type { Client } from '../queries/api-clients.ts'
import { findOtp, type OtpFacts } from '../queries/otp-challenges.ts'
import type { Person } from '../queries/person.ts'
import type { SignedIn } from '../queries/sessions.ts'
import { equalHash } from '../tokens/opaque.ts'
import { createIdentity } from './create-identity.ts'
import { endReplaced } from './end-session.ts'
import { applyClaims, standingOf } from './mapped-claims.ts'
import { deliverQueued, noteSuppressed, type Outgoing, queueMessage } from './send-message.ts'
import { afterSignIn, beforeSignIn, hooksFor, type SignInFacts } from './sign-in-hooks.ts'
import { type StartedSession, startSession } from './start-session.ts'

const PROOF = { method: 'otp', amr: ['otp'], acr: ACR.verifiedAddress }

/** Codes sent per address, per caller and per network; a new code does not reset them (standards S4). */
function sendLimits({ limiter }: Gateway, address: string, ip: string | undefined): RateLimit[] {
  return [
    limiter.limit('otp-send', address, 1, 30),
    limiter.limit('otp-send', address, 5, 3600),
    limiter.limit('otp-send', address, 10, 86_400),
    limiter.limit('otp-send-ip', addressKey(ip), 30, 3600),
    limiter.limit('otp-send-net', networkKey(ip), 200, 3600),
  ]
}

/** Wrong codes per address and per caller, across all codes (standards S2). */
function tryLimits({ limiter }: Gateway, address: string, ip: string | undefined): RateLimit[] {
  return [
    limiter.limit('otp-try', address, 10, 3600),
    limiter.limit('otp-try', address, 30, 86_400),
    callerLimit({ limiter }, ip),
  ]
}

function callerLimit({ limiter }: Pick<Gateway, 'limiter'>, ip: string | undefined): RateLimit {
  return limiter.limit('otp-try-ip', addressKey(ip), 60, 3600)
}

/**
 * A try that no code could pass: nothing was sent, or the code is spent, expired or another browser's. It counts for the caller
 * alone and alike in every case, so that it neither tells whether an address is known nor locks its owner out.
 */
async function refuseHopeless(gateway: Gateway, c: AppContext, reason: string): Promise<never> {
  await gateway.limiter.hit([callerLimit(gateway, c.get('clientIp'))])
  throw new GatewayError('otp_invalid', { reason })
}

/**
 * Makes a code, sends it and records what became of it. The answer is the same whether or not the address is known.
 * @param input.browserHash binds the code to the browser that asked
 * @param input.replaces that browser's challenge so far; without a browser, the newest one of the address is replaced
 * @returns the challenge's id
 * @throws GatewayError otp_rate_limited, otp_undeliverable, otp_send_failed (the code is void then)
 */
export async function sendEmailCode(
  gateway: Gateway,
  c: AppContext,
  input: { email: string; browserHash?: string; replaces?: string; clientName?: string },
): Promise<string> {
  const normalised = normaliseEmail(input.email)
  const code = String(randomInt(1_000_000)).padStart(6, '0')
  const id = uuidv7()
  const context = commitContext(gateway, c)

  const outgoing = await commit(context, async (work) => {
    work.limits = sendLimits(gateway, normalised, c.get('clientIp'))
    work.limitRefusal = 'otp_rate_limited'
    work.correlationId = id
    const { browserHash, replaces } = input
    const found = await find(gateway, { normalised, challengeId: replaces, limits: [] })
    const mail: Outgoing = {
      id,
      function: 'send-otp-email',
      payload: {
        ...{ type: 'otp.email', to: input.email, code, expires_in: otp.LIFETIME_SECONDS },
        ...{ client_name: input.clientName, origin: new URL(gateway.issuer).host },
        locale: found.person?.locale ?? askedLanguage(c),
      },
    }
    if (found.suppressed) return void noteSuppressed(work, mail)
    if (found.challenge && (replaces || !browserHash))
      resume(work, found.challenge).decide((state) => otp.replace(state, id))
    const codeHash = gateway.hashCode(id, code)
    const issued = { address: input.email, normalised, codeHash, browserHash, now: new Date() }
    work.start(otp.otpChallenge, id, { subject: id }).decide(() => otp.issue(issued))
    queueMessage(work, mail)
    return mail
  })
  if (!outgoing) throw new GatewayError('otp_undeliverable', { reason: 'suppressed' })

  const result = await deliverQueued(gateway, context, outgoing, async (work, outcome) => {
    if (outcome.status === 'accepted') return
    const { challenge } = await find(gateway, { normalised, challengeId: id, limits: [] })
    if (challenge) resume(work, challenge).decide((state) => otp.recordUndelivered(state, outcome.reason))
  })
  if (result.status === 'failed') throw notSent(result)
  return id
}

function notSent({ reason, retryAfter = 30 }: DeliveryResult & { status: 'failed' }): GatewayError {
  return reason === 'recipient_refused'
    ? new GatewayError('otp_undeliverable', { reason })
    : new GatewayError('otp_send_failed', { reason, retryAfter })
}

function find(
  gateway: Gateway,
  input: { normalised: string; challengeId?: string; clientId?: string; limits: RateLimit[] },
): Promise<OtpFacts> {
  return findOtp(gateway.reads, gateway.personal, { ...input, digest: gateway.personal.digest(input.normalised) })
}

function resume(work: Work, challenge: NonNullable<OtpFacts['challenge']>) {
  work.knowKey(challenge.id, challenge.wrappedKey)
  return work.resume(otp.otpChallenge, challenge.id, challenge.events, { subject: challenge.id })
}

export type PresentedCode = {
  email: string
  code: string
  challengeId?: string
  browserHash?: string
  /** The client a direct sign-in is for. */
  clientId?: string
}

export type ProvenMailbox = {
  /** Who is known by the address. */
  person?: Person
  /** The UAI of that person, or of the one that may be made. */
  uai: string
  mailbox: Credential
  challengeId: string
  client?: Client
  /** The default resources. */
  resources: string[]
  now: Date
}

/**
 * Consumes a code that was sent, which proves the mailbox; `block` decides in the same unit of work what follows from that.
 * @throws GatewayError otp_invalid, otp_rate_limited, access_denied (suspended)
 */
export async function withProvenMailbox<T>(
  gateway: Gateway,
  c: AppContext,
  input: PresentedCode,
  block: (work: Work, proven: ProvenMailbox) => T | Promise<T>,
): Promise<T> {
  const normalised = normaliseEmail(input.email)
  const limits = tryLimits(gateway, normalised, c.get('clientIp'))
  return commit(commitContext(gateway, c), async (work) => {
    const now = new Date()
    const found = await find(gateway, { normalised, challengeId: input.challengeId, clientId: input.clientId, limits })
    if (found.wait > 0) throw new GatewayError('otp_rate_limited', { retryAfter: found.wait })
    const { challenge, person } = found
    if (!challenge) return refuseHopeless(gateway, c, 'no challenge')
    const uai = person?.uai ?? uuidv7()
    const stream = resume(work, challenge)
    const { state } = stream
    const sameBrowser = state.status === 'open' && (!state.browserHash || state.browserHash === input.browserHash)
    if (state.status !== 'open' || state.expiresAt <= now || !sameBrowser)
      return refuseHopeless(gateway, c, 'no open challenge of this browser')
    const matches = equalHash(state.codeHash, gateway.hashCode(challenge.id, input.code))
    if (!matches) {
      work.limits = limits
      work.limitRefusal = 'otp_rate_limited'
    }
    work.correlationId = challenge.id
    work.actor = matches ? { type: 'person', id: uai } : { type: 'anonymous' }
    stream.decide((current) => {
      const decision = otp.verify(current, { matches, sameBrowser, uai, now })
      return person?.active === false && !decision.refuse ? { ...decision, refuse: 'access_denied' } : decision
    })
    const evidence = { method: 'otp', challengeId: challenge.id }
    const mailbox: Credential = {
      ...{ credentialId: uuidv7(), kind: 'email', verified: true, evidence },
      ...{ address: input.email, lookup: normalised },
    }
    const { client, defaultResources: resources } = found
    return block(work, { person, uai, mailbox, challengeId: challenge.id, client, resources, now })
  })
}

export type CodeSignIn = PresentedCode & {
  /** What was proven in this browser before, at which connection. */
  before?: { proof: string; connection: string }
  platform: string
  projectScope: string
  /** The browser's session so far, which the new one replaces. */
  replaces?: SignedIn
}

export type SignedInByCode = {
  person: Person
  session: StartedSession
  client?: Client
  resources: string[]
  now: Date
}

/** What hooks are told, when the code is the right one: nobody outside hears of guesses. */
async function factsIfRight(gateway: Gateway, input: CodeSignIn): Promise<SignInFacts | undefined> {
  const { email, code, challengeId, platform, before } = input
  const { challenge, person } = await find(gateway, { normalised: normaliseEmail(email), challengeId, limits: [] })
  const issued = challenge?.events.reduce(
    (state, event) => otp.otpChallenge.evolve(state, event as never),
    otp.otpChallenge.initial,
  )
  const isRight =
    challenge && issued?.status === 'open' && equalHash(issued.codeHash, gateway.hashCode(challenge.id, code))
  if (!isRight) return undefined
  const proofs = ['otp', ...(before ? [before.proof] : [])]
  return { method: 'otp', platform, proofs, person, profile: { email, email_verified: true } }
}

/**
 * Signs a person in with the code that was sent: makes the identity at the first sign-in, starts a session.
 * `more` decides further facts in the same unit of work.
 * @throws GatewayError otp_invalid, otp_rate_limited, access_denied (suspended)
 */
export async function signInWithCode<T>(
  gateway: Gateway,
  c: AppContext,
  input: CodeSignIn,
  more: (work: Work, signedIn: SignedInByCode) => T | Promise<T>,
): Promise<T> {
  const hooks = await hooksFor(gateway, input.before?.connection)
  const facts = hooks.length > 0 ? await factsIfRight(gateway, input) : undefined
  const claims = facts ? await beforeSignIn(gateway, c, hooks, facts) : {}
  const result = await withProvenMailbox(gateway, c, input, async (work, proven) => {
    // The code became the right one after the hooks were to be asked: nobody passes unasked.
    if (hooks.length > 0 && !facts) throw new GatewayError('otp_invalid', { reason: 'hooks were not asked' })
    const { uai, mailbox, challengeId, client, resources, now } = proven
    work.knowKey(uai, proven.person?.wrappedKey ?? undefined)
    const { name, locale } = claims
    const person = proven.person
      ? await applyClaims(work, proven.person, claims)
      : createIdentity(work, { uai, credentials: [mailbox], name, locale, standing: standingOf(claims), now })
    work.knowKey(person.uai, person.wrappedKey ?? undefined)
    await endReplaced(work, input.replaces)
    const session = startSession(gateway, work, {
      person,
      client,
      platform: input.platform,
      projectScope: input.projectScope,
      proof: { ...PROOF, provenBy: { type: 'otp_challenge', id: challengeId } },
      authenticatedAt: now,
      now,
    })
    return { person, value: await more(work, { person, session, client, resources, now }) }
  })
  if (facts) afterSignIn(gateway, c, hooks, { ...facts, person: result.person })
  return result.value
}
