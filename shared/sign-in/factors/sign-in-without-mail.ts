import { projectScope } from '../../access/project-scope.ts'
import { ACR } from '../../domain/authentication.ts'
import type { ProofSource } from '../../domain/session.ts'
import { accept, type TotpPurpose } from '../../domain/totp-authenticator.ts'
import { GatewayError } from '../../errors.ts'
import type { RateLimit } from '../../events/store.ts'
import type { Gateway } from '../../gateway.ts'
import type { AppContext } from '../../http/app.ts'
import { addressKey, networkKey } from '../../http/rate-limit.ts'
import type { Effort } from '../../limits.ts'
import { findByAddress } from '../../queries/external-accounts.ts'
import type { Person } from '../../queries/person.ts'
import { listProofs } from '../../queries/proofs.ts'
import type { SignedIn } from '../../queries/sessions.ts'
import { countingMailbox, emailLookup } from '../../typed/email.ts'
import { withEffort } from '../effort.ts'
import { endReplaced } from '../end-session.ts'
import { afterSignIn, beforeSignIn, hooksFor, type SignInFacts } from '../hooks/sign-in-hooks.ts'
import { knownBrowserOf } from '../known-browser.ts'
import { type StartedSession, startSession } from '../start-session.ts'
import { type FactorCode, matchCode, readFactorCode } from './proof-codes.ts'
import { type ProofMethod, refuseHopeless, withProof } from './proofs.ts'

const METHODS: readonly ProofMethod[] = ['totp', 'recovery_code', 'operator_code']
const SOURCES: Record<ProofMethod, ProofSource> = {
  totp: 'totp_authenticator',
  recovery_code: 'recovery_codes',
  operator_code: 'operator_code',
}

/**
 * Counted alike for a known address and an unknown one (standards S2, S5). Six digits can be guessed, so they are counted by the address
 * too; the longer codes cannot, so that strangers do not keep anyone from using those. A browser known to the person has tries of its own.
 */
function tryLimits(
  { limiter }: Gateway,
  {
    address,
    code,
    ip,
    knownBy,
    effort,
  }: { address: string; code: FactorCode; ip?: string; knownBy?: string; effort: Effort },
): RateLimit[] {
  if (knownBy) return limiter.of('proof-sign-in-known', knownBy)
  return [
    ...(code.method === 'totp' ? limiter.of('proof-sign-in', countingMailbox(address), effort) : []),
    ...limiter.of('proof-sign-in-ip', addressKey(ip), effort),
    ...limiter.of('proof-sign-in-net', networkKey(ip), effort),
  ]
}

/**
 * What hooks are told, when the code is the right one: nobody outside hears of guesses. The limits come first, so that whether a hook
 * was asked tells nothing about a code that is not counted.
 * @throws GatewayError otp_rate_limited
 */
async function factsIfRight(
  gateway: Gateway,
  {
    person,
    email,
    code,
    limits,
    purpose,
  }: { person: Person; email: string; code: FactorCode; limits: RateLimit[]; purpose: TotpPurpose },
) {
  const proofs = await listProofs(gateway.reads, gateway.personal, person, limits)
  if (proofs.wait > 0) throw new GatewayError('otp_rate_limited', { retryAfter: proofs.wait })
  const match = matchCode(gateway, proofs, code, gateway.now())
  if (!match.right) return undefined
  const { method } = match
  if (match.method === 'totp' && accept(match.record.state, { step: match.step, purpose }).refuse) return undefined
  return { method, platform: 'web', proofs: [method], person, profile: { email } } satisfies SignInFacts
}

/**
 * Signs somebody in whom no mail reaches: with a code of their authenticator app, a recovery code, or a code that operators made.
 * @param input.replaces the browser's session so far
 * @param input.email a parsed address
 * @param input.code as it was typed
 * @throws GatewayError otp_malformed, otp_invalid, otp_rate_limited, account_suspended, and as the hooks say
 */
export async function signInWithoutMail(
  gateway: Gateway,
  c: AppContext,
  input: { email: string; code: string; replaces?: SignedIn },
): Promise<SignedInWithoutMail> {
  const code = readFactorCode(input.code, METHODS)
  const address = emailLookup(input.email)
  const knownBy = await knownBrowserOf(gateway, c, address)
  const limitsOf = (effort: Effort) => tryLimits(gateway, { address, code, ip: c.get('clientIp'), knownBy, effort })
  const step = { step: `without mail ${address}`, limits: async (effort: Effort) => limitsOf(effort) }
  const purpose: TotpPurpose = knownBy ? 'known_browser' : 'sign_in'
  return withEffort(gateway, c, step, (effort) =>
    tryCode(gateway, c, { ...input, code, address, purpose, limits: limitsOf(effort) }),
  )
}

type SignedInWithoutMail = { person: Person; session: StartedSession; method: ProofMethod }

async function tryCode(
  gateway: Gateway,
  c: AppContext,
  input: {
    email: string
    address: string
    code: FactorCode
    purpose: TotpPurpose
    limits: RateLimit[]
    replaces?: SignedIn
  },
): Promise<SignedInWithoutMail> {
  const { email, address, code, purpose, limits, replaces } = input
  const person = await findByAddress(gateway.reads, gateway.personal, gateway.personal.digest(address))
  const hooks = await hooksFor(gateway, undefined)
  if (!person) {
    // As much work as for somebody who is known.
    await listProofs(gateway.reads, gateway.personal, { members: [] }, limits)
    return refuseHopeless(gateway, limits)
  }
  const facts = hooks.length > 0 ? await factsIfRight(gateway, { person, email, code, limits, purpose }) : undefined
  if (facts) await beforeSignIn(gateway, c, hooks, facts)
  const proven = { person, code, purpose, limits }
  const signedIn = await withProof(gateway, c, proven, async (work, { method, id }) => {
    // The code became the right one after the hooks were to be asked: nobody passes unasked.
    if (hooks.length > 0 && !facts) throw new GatewayError('otp_invalid', { reason: 'hooks were not asked' })
    if (!person.active) work.refuse('account_suspended')
    work.knowKey(person.uai, person.wrappedKey)
    await endReplaced(work, replaces)
    const now = gateway.now()
    const acr = method === 'operator_code' ? ACR.operatorVouched : ACR.singleFactor
    const proof = { method, amr: ['otp'], acr, provenBy: { type: SOURCES[method], id } }
    const started = { person, platform: 'web', projectScope: projectScope(undefined), proof, authenticatedAt: now, now }
    return { person, session: startSession(gateway, work, started), method }
  })
  if (facts) afterSignIn(gateway, c, hooks, facts)
  return signedIn
}
