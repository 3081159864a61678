import { uuidv7 } from 'uuidv7'
import { ACR } from '../../domain/authentication.ts'
import type { Credential } from '../../domain/identity.ts'
import * as otp from '../../domain/otp-challenge.ts'
import { GatewayError } from '../../errors.ts'
import { commit, type Work } from '../../events/commit.ts'
import type { RateLimit } from '../../events/store.ts'
import { commitContext, type Gateway } from '../../gateway.ts'
import type { AppContext } from '../../http/app.ts'
import { askedLanguage } from '../../http/locale.ts'
import { addressKey, networkKey } from '../../http/rate-limit.ts'
import type { CodeAddress } from '../../people/code-address.ts'
import { createIdentity } from '../../people/create-identity.ts'
import { externalCredential, linkAccount, type ProvenAccount, refuseTaken } from '../../people/external-account.ts'
import { applyClaims, standingOf } from '../../people/mapped-claims.ts'
import { tellOfProofs } from '../../people/proof-notices.ts'
import { nameOfMethod } from '../../people/sign-in-methods.ts'
import type { Client } from '../../queries/api-clients.ts'
import { addressOfChallenge, findOtp, type OtpFacts } from '../../queries/otp-challenges.ts'
import type { Person } from '../../queries/person.ts'
import type { SignedIn } from '../../queries/sessions.ts'
import { equalHash } from '../../tokens/opaque.ts'
import { countingMailbox } from '../../typed/email.ts'
import { endReplaced } from '../end-session.ts'
import { afterSignIn, beforeSignIn, hooksFor, type SignInFacts } from '../hooks/sign-in-hooks.ts'
import { sessionsOfBrowser } from '../known-browser.ts'
import { type StartedSession, startSession } from '../start-session.ts'

/**
 * A code proves an address, no more (NIST SP 800-63B-4 section 3.1.3.1; standards S7). The telephone network is a restricted
 * authenticator (section 3.1.3.3), so `amr` tells it apart (RFC 8176).
 */
const proofOf = ({ channel }: CodeAddress, byLink = false) => ({
  method: byLink ? 'magic_link' : 'otp',
  amr: channel === 'sms' ? ['otp', 'sms'] : ['otp'],
  acr: ACR.verifiedAddress,
})

const credentialKindOf = ({ channel }: CodeAddress) => (channel === 'sms' ? 'phone' : 'email')

const profileOf = ({ channel, address }: CodeAddress) =>
  channel === 'sms' ? { phone_number: address } : { email: address, email_verified: true }

/** Wrong codes of a caller and their network. */
const callerLimits = ({ limiter }: Gateway, ip: string | undefined): RateLimit[] => [
  ...limiter.of('otp-try-ip', addressKey(ip)),
  ...limiter.of('otp-try-net', networkKey(ip)),
]

/** Wrong codes for an address from networks that did not ask for the code, over all callers. */
const elsewhereLimits = ({ limiter }: Gateway, { lookup }: CodeAddress): RateLimit[] => [
  ...limiter.of('otp-elsewhere', countingMailbox(lookup)),
  ...limiter.of('otp-failures', countingMailbox(lookup)),
]

/** What an address is found by in the network of a caller. */
export const networkLookup = ({ lookup }: CodeAddress, ip: string | undefined) => `${lookup} ${networkKey(ip)}`

export function findChallenge(
  gateway: Gateway,
  c: AppContext,
  { to, ...input }: { to: CodeAddress; challengeId?: string; clientId?: string; limits?: RateLimit[] },
): Promise<OtpFacts> {
  const { reads, personal } = gateway
  return findOtp(reads, personal, {
    limits: [],
    ...input,
    credentialKind: credentialKindOf(to),
    digest: personal.digest(to.lookup),
    network: personal.digest(networkLookup(to, c.get('clientIp'))),
    sessions: sessionsOfBrowser(gateway, c),
  })
}

/** The state of a challenge, from its events. */
export const stateOfChallenge = (challenge: OtpFacts['challenge']) =>
  (challenge?.events ?? []).reduce(
    (state, event) => otp.otpChallenge.evolve(state, event as never),
    otp.otpChallenge.initial,
  )

export function resumeChallenge(work: Work, challenge: NonNullable<OtpFacts['challenge']>) {
  work.knowKey(challenge.id, challenge.wrappedKey)
  return work.resume(otp.otpChallenge, challenge.id, challenge.events, { subject: challenge.id })
}

export type PresentedCode = {
  /** Where the code was sent, as the caller spells it. */
  to: CodeAddress
  code: string
  challengeId?: string
  browserHash?: string
  /** The client a direct sign-in is for. */
  clientId?: string
}

type Admission = ReturnType<typeof admissionOf>
type OpenChallenge = Extract<otp.OtpChallenge, { status: 'open' }>

/**
 * Makes what decides whether a code of this request may be compared with a challenge. With one of the caller's own, which this browser or
 * this network asked for, it may as often as a challenge takes tries, whatever others do. With one that another network asked for it may
 * within limits that all such tries share: they are counted before the comparison, once for each request. A try that no code could pass
 * (nothing was sent, or the code is spent, expired or another browser's) counts for the caller alone, alike in every case, so that it
 * reveals nothing and locks no one out.
 */
function admissionOf(gateway: Gateway, c: AppContext, { to, browserHash }: PresentedCode) {
  const own = callerLimits(gateway, c.get('clientIp'))
  let counted: Promise<number> | undefined
  const refuse = async (reason: string): Promise<never> => {
    await gateway.limiter.hit(own)
    throw new GatewayError('otp_invalid', { reason })
  }
  /** @throws GatewayError otp_invalid, otp_rate_limited */
  return async (
    { challenge, wait }: OtpFacts,
    state: otp.OtpChallenge,
    now: Date,
  ): Promise<[OpenChallenge, boolean]> => {
    const open = state.status === 'open' && state.expiresAt > now ? state : undefined
    const isOwn = open?.browserHash ? open.browserHash === browserHash : challenge?.isOwn
    if (open && isOwn) return [open, true]
    if (wait > 0) throw new GatewayError('otp_rate_limited', { retryAfter: wait })
    if (!challenge) return refuse('no challenge')
    if (!open || open.browserHash) return refuse('no open challenge of this browser')
    counted ??= gateway.limiter.hit([...own, ...elsewhereLimits(gateway, to)])
    return (await counted) > 0 ? refuse('asked for in another network') : [open, false]
  }
}

export type ProvenAddress = {
  /** Who is known by the address. */
  person?: Person
  /** The UAI of that person, or of the one that may be made. */
  uai: string
  credential: Credential
  challengeId: string
  client?: Client
  /** The default resources. */
  resources: string[]
  now: Date
}

/**
 * Consumes a code that was sent, which proves that the address is the person's; `block` decides in the same unit of work what follows from that.
 * @throws GatewayError otp_invalid, otp_rate_limited, account_suspended
 */
export async function withProvenAddress<T>(
  gateway: Gateway,
  c: AppContext,
  input: PresentedCode,
  block: (work: Work, proven: ProvenAddress) => T | Promise<T>,
  admit = admissionOf(gateway, c, input),
): Promise<T> {
  const { to } = input
  const limits = callerLimits(gateway, c.get('clientIp'))
  return commit(commitContext(gateway, c), async (work) => {
    const now = gateway.now()
    const found = await findChallenge(gateway, c, {
      to,
      challengeId: input.challengeId,
      clientId: input.clientId,
      limits,
    })
    const { challenge, person } = found
    const uai = person?.uai ?? uuidv7()
    const [state, isOwn] = await admit(found, stateOfChallenge(challenge), now)
    if (!challenge) throw new Error('admitted without a challenge')
    const matches = equalHash(state.codeHash, gateway.hashCode(challenge.id, input.code))
    if (!matches && !isOwn) throw new GatewayError('otp_invalid', { reason: 'wrong, and asked for in another network' })
    work.limits = matches
      ? gateway.limiter.reset(elsewhereLimits(gateway, to))
      : gateway.limiter.count([...limits, ...gateway.limiter.of('otp-failures', countingMailbox(to.lookup))])
    work.correlationId = challenge.id
    work.actor = matches ? { type: 'person', id: uai } : { type: 'anonymous' }
    resumeChallenge(work, challenge).decide((current) => {
      const decision = otp.verify(current, { matches, sameBrowser: true, uai, now })
      return person?.active === false && !decision.refuse ? { ...decision, refuse: 'account_suspended' } : decision
    })
    const evidence = { method: 'otp', challengeId: challenge.id }
    const credential: Credential = {
      ...{ credentialId: uuidv7(), kind: credentialKindOf(to), verified: true, evidence },
      ...{ address: addressOfChallenge(gateway.personal, challenge) ?? to.address, lookup: to.lookup },
    }
    const { client, defaultResources: resources } = found
    return block(work, { person, uai, credential, challengeId: challenge.id, client, resources, now })
  })
}

export type CodeSignIn = PresentedCode & {
  /** An account at another provider that was proven in this browser before, and is to be the person's, if they have no app. */
  link?: ProvenAccount
  /** The code came in a link. */
  byLink?: boolean
  /** A new person is not made. */
  onlyKnown?: boolean
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

/**
 * What hooks are told, when the code is the right one: nobody outside hears of guesses. The limits come first, so that whether a hook
 * was asked tells nothing about a code that is not counted.
 * @throws GatewayError otp_invalid, otp_rate_limited
 */
async function factsIfRight(
  gateway: Gateway,
  c: AppContext,
  input: CodeSignIn,
  admit: Admission,
): Promise<SignInFacts | undefined> {
  const { to, code, challengeId, platform, link } = input
  const found = await findChallenge(gateway, c, { to, challengeId, limits: callerLimits(gateway, c.get('clientIp')) })
  const { challenge, person } = found
  const [{ codeHash }] = await admit(found, stateOfChallenge(challenge), gateway.now())
  if (!challenge || !equalHash(codeHash, gateway.hashCode(challenge.id, code))) return undefined
  const proofs = ['otp', ...(link ? [`${link.method}:${link.provider}`] : [])]
  const profile = profileOf({ ...to, address: addressOfChallenge(gateway.personal, challenge) ?? to.address })
  return { method: 'otp', platform, proofs, person, profile }
}

/**
 * Signs a person in with the code that was sent: makes the identity at the first sign-in, starts a session.
 * `more` decides further facts in the same unit of work.
 * @throws GatewayError otp_invalid, otp_rate_limited, account_suspended, credential_taken (the linked account)
 */
export async function signInWithCode<T>(
  gateway: Gateway,
  c: AppContext,
  input: CodeSignIn,
  more: (work: Work, signedIn: SignedInByCode) => T | Promise<T>,
): Promise<T> {
  const { link } = input
  const hooks = await hooksFor(gateway, link?.provider)
  const admit = admissionOf(gateway, c, input)
  const facts = hooks.length > 0 ? await factsIfRight(gateway, c, input, admit) : undefined
  const claims = facts ? await beforeSignIn(gateway, c, hooks, facts) : {}
  const result = await withProvenAddress(
    gateway,
    c,
    input,
    async (work, proven) => {
      // The code became the right one after the hooks were to be asked: nobody passes unasked.
      if (hooks.length > 0 && !facts) throw new GatewayError('otp_invalid', { reason: 'hooks were not asked' })
      const { uai, credential, challengeId, client, resources, now } = proven
      work.knowKey(uai, proven.person?.wrappedKey ?? undefined)
      if (input.onlyKnown && !proven.person) throw new GatewayError('not_provisioned')
      const { name, locale = askedLanguage(c) } = claims
      if (link && !proven.person) await refuseTaken(gateway, link)
      const credentials = [credential, ...(link ? [externalCredential(link)] : [])]
      const person = proven.person
        ? await applyClaims(work, proven.person, claims)
        : createIdentity(work, { uai, credentials, name, locale, standing: standingOf(claims), now })
      work.knowKey(person.uai, person.wrappedKey ?? undefined)
      await endReplaced(work, input.replaces)
      const session = startSession(gateway, work, {
        person,
        client,
        platform: input.platform,
        projectScope: input.projectScope,
        proof: { ...proofOf(input.to, input.byLink), provenBy: { type: 'otp_challenge', id: challengeId } },
        authenticatedAt: now,
        now,
      })
      const to = { person, sessionId: session.id, byMail: true }
      const isLinked = link && proven.person ? await linkAccount(gateway, work, link, to) : false
      return { person, isLinked, value: await more(work, { person, session, client, resources, now }) }
    },
    admit,
  )
  if (result.isLinked) tellOfProofs(gateway, c, result.person, 'sign_in_method_added', nameOfMethod(link ?? {}))
  if (facts) afterSignIn(gateway, c, hooks, { ...facts, person: result.person })
  return result.value
}
