import { equalHash } from '../../packages/auth-server/src/equal-hash.ts'
import { addressKey, networkKey } from '../addresses.ts'
import type { Call } from '../call.ts'
import { ACR } from '../domain/authentication.ts'
import type { Credential } from '../domain/identity.ts'
import * as otp from '../domain/otp-challenge.ts'
import { GatewayError } from '../errors.ts'
import { fold, type Work } from '../events/commit.ts'
import type { RateLimit } from '../events/store.ts'
import type { Gateway } from '../gateway.ts'
import { newId } from '../ids.ts'
import type { CodeAddress } from '../people/code-address.ts'
import { applyClaims, createIdentity, standingOf } from '../people/create-identity.ts'
import { externalCredential, type ProvenAccount, refuseTaken } from '../people/external-account.ts'
import type { Client } from '../queries/api-clients.ts'
import { addressOfChallenge, findOtp, type OtpFacts } from '../queries/otp-challenges.ts'
import type { Person } from '../queries/person.ts'
import { countingMailbox } from '../typed/email.ts'
import type { SignInMethod } from './complete.ts'
import { sessionsOfBrowser } from './known-browser.ts'

/**
 * A code proves an address, no more (NIST SP 800-63B-4 section 3.1.3.1; docs/security-rules.md S7). The telephone network is a restricted
 * authenticator (section 3.1.3.3), so `amr` distinguishes it (RFC 8176).
 */
const authenticationOf = ({ channel }: CodeAddress, byLink = false) => ({
  method: byLink ? 'magic_link' : 'otp',
  amr: channel === 'sms' ? ['otp', 'sms'] : ['otp'],
  acr: ACR.verifiedAddress,
})

const credentialKindOf = ({ channel }: CodeAddress) => (channel === 'sms' ? 'phone' : 'email')

const profileOf = ({ channel, address }: CodeAddress) =>
  channel === 'sms' ? { phone_number: address } : { email: address, email_verified: true }

/** Limits of wrong codes of a caller and their network. */
const callerLimits = ({ limiter }: Gateway, ip: string | undefined): RateLimit[] => [
  ...limiter.of('otp-try-ip', addressKey(ip)),
  ...limiter.of('otp-try-net', networkKey(ip)),
]

/** Limits of wrong codes for an address from networks that did not request the code, over all callers. */
const elsewhereLimits = ({ limiter }: Gateway, { lookup }: CodeAddress): RateLimit[] => [
  ...limiter.of('otp-elsewhere', countingMailbox(lookup)),
  ...limiter.of('otp-failures', countingMailbox(lookup)),
]

/** Lookup of an address within the caller's network. */
export const networkLookup = ({ lookup }: CodeAddress, ip: string | undefined) => `${lookup} ${networkKey(ip)}`

export function findChallenge(
  call: Call,
  { to, ...input }: { to: CodeAddress; challengeId?: string; clientId?: string; limits?: RateLimit[] },
): Promise<OtpFacts> {
  const { reads, personal } = call.gateway
  return findOtp(reads, personal, {
    limits: [],
    ...input,
    credentialKind: credentialKindOf(to),
    digest: personal.digest(to.lookup),
    network: personal.digest(networkLookup(to, call.request.clientIp)),
    sessions: sessionsOfBrowser(call),
  })
}

/** The state of a challenge, from its events. */
export const stateOfChallenge = (challenge: OtpFacts['challenge']) =>
  fold(otp.otpChallenge, challenge?.events ?? []).state

export function resumeChallenge(work: Work, challenge: NonNullable<OtpFacts['challenge']>) {
  return work.resume(otp.otpChallenge, challenge.id, challenge.events, {
    subject: challenge.id,
    wrappedKey: challenge.wrappedKey,
  })
}

type PresentedCode = {
  /** Where the code was sent, as the caller spells it. */
  to: CodeAddress
  code: string
  challengeId?: string
  browserHash?: string
}

type OpenChallenge = Extract<otp.OtpChallenge, { status: 'open' }>

/** A presented code whose challenge was read once and compared once. */
type CheckedCode = {
  challenge: NonNullable<OtpFacts['challenge']>
  matches: boolean
  /** Where the code was sent, as the challenge spells it. */
  to: CodeAddress
  /** The person with the address. */
  person?: Person
  client?: Client
  /** The default resources. */
  resources: string[]
  /** Limits that recording the result counts or resets. */
  limits: RateLimit[]
}

/**
 * Creates the check of a presented code. Each call reads the challenge and compares once; call it again only when a
 * unit of work lost a race.
 *
 * A challenge that this browser or this network requested takes as many attempts as a challenge allows, whatever others do. Attempts on a
 * challenge of another network share limits, and each is counted before the comparison, once per request. An attempt without an open
 * challenge (nothing was sent, or the code is used, expired or bound to another browser) counts for the caller only, in each case, so that
 * it reveals nothing and locks no one out.
 */
export function codeCheck(
  call: Call,
  { to, code, challengeId, browserHash }: PresentedCode,
): (clientId?: string) => Promise<CheckedCode> {
  const { gateway } = call
  const { limiter, personal } = gateway
  const own = callerLimits(gateway, call.request.clientIp)
  const elsewhere = elsewhereLimits(gateway, to)
  let counted: Promise<number> | undefined
  const refuse = async (reason: string): Promise<never> => {
    await limiter.hit(own)
    throw new GatewayError('otp_invalid', { reason })
  }
  const admit = async ({ challenge, wait }: OtpFacts): Promise<OpenChallenge & { isOwn: boolean }> => {
    const state = stateOfChallenge(challenge)
    const open = state.status === 'open' && state.expiresAt > gateway.now() ? state : undefined
    const isOwn = open?.browserHash ? open.browserHash === browserHash : challenge?.isOwn
    if (open && isOwn) return { ...open, isOwn: true }
    if (wait > 0) throw new GatewayError('otp_rate_limited', { retryAfter: wait })
    if (!challenge) return refuse('no challenge')
    if (!open || open.browserHash) return refuse('no open challenge of this browser')
    counted ??= limiter.hit([...own, ...elsewhere])
    return (await counted) > 0 ? refuse('requested in another network') : { ...open, isOwn: false }
  }
  /** @throws GatewayError otp_invalid, otp_rate_limited */
  return async (clientId) => {
    const found = await findChallenge(call, { to, challengeId, clientId, limits: own })
    const { codeHash, isOwn } = await admit(found)
    const { challenge, person, client, defaultResources: resources } = found
    if (!challenge) throw new Error('admitted without a challenge')
    const matches = equalHash(codeHash, gateway.hashCode(challenge.id, code))
    if (!matches && !isOwn) throw new GatewayError('otp_invalid', { reason: 'wrong, and requested in another network' })
    const sentTo = { ...to, address: addressOfChallenge(personal, challenge) ?? to.address }
    const failures = limiter.of('otp-failures', countingMailbox(to.lookup))
    const limits = matches ? limiter.reset(elsewhere) : limiter.count([...own, ...failures])
    return { challenge, matches, to: sentTo, person, client, resources, limits }
  }
}

type ProvenAddress = {
  /** The UAI of the person with the address, or of a new person. */
  uai: string
  credential: Credential
}

/**
 * Records a checked code in a unit of work: a correct one is consumed and proves the address, a wrong one is counted and refused.
 * @throws GatewayError otp_invalid, account_suspended
 */
export function recordCode(work: Work, checked: CheckedCode, now: Date): ProvenAddress {
  const { challenge, matches, to, person, limits } = checked
  const uai = person?.uai ?? newId()
  work.limits = limits
  work.correlationId = challenge.id
  work.actor = matches ? { type: 'person', id: uai } : { type: 'anonymous' }
  resumeChallenge(work, challenge).decide((current) => {
    const decision = otp.verify(current, { matches, sameBrowser: true, uai, now })
    return person?.active === false && !decision.refuse ? { ...decision, refuse: 'account_suspended' } : decision
  })
  const evidence = { method: 'otp', challengeId: challenge.id }
  const { address, lookup } = to
  const kind = credentialKindOf(to)
  return { uai, credential: { credentialId: newId(), kind, verified: true, evidence, address, lookup } }
}

export type CodeSignIn = PresentedCode & {
  /** An account at another provider, proven earlier in this browser, to be linked unless the person has an authenticator app. */
  link?: ProvenAccount
  /** Whether the code was sent in a link. */
  byLink?: boolean
  /** Whether only existing identities may sign in. */
  onlyKnown?: boolean
}

/** Returns the sign-in by a code that was sent to an address, which creates the identity at the first sign-in. */
export function codeMethod(call: Call, input: CodeSignIn): SignInMethod {
  const { link, byLink, onlyKnown } = input
  const check = codeCheck(call, input)
  return {
    connection: link?.provider,
    async verify(clientId) {
      const checked = await check(clientId)
      const { matches, to, person, client, resources, challenge } = checked
      const proofs = ['otp', ...(link ? [`${link.method}:${link.provider}`] : [])]
      return {
        facts: matches ? { method: 'otp', proofs, person, profile: profileOf(to) } : undefined,
        async settle(work, claims, now) {
          const { uai, credential } = recordCode(work, checked, now)
          if (onlyKnown && !person) throw new GatewayError('not_provisioned')
          if (link && !person) await refuseTaken(call.gateway, link)
          const credentials = [credential, ...(link ? [externalCredential(link)] : [])]
          const { name, locale = call.request.language } = claims
          const settled = person
            ? await applyClaims(work, person, claims)
            : createIdentity(work, { uai, credentials, name, locale, standing: standingOf(claims), now })
          const provenBy = { type: 'otp_challenge' as const, id: challenge.id }
          return {
            person: settled,
            isNew: !person,
            authentication: { ...authenticationOf(to, byLink), provenBy },
            client,
            resources,
            link: person && link,
          }
        },
      }
    },
  }
}
