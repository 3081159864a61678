import type { PersonPrincipal } from '../../access/authenticate.ts'
import { identity } from '../../domain/identity.ts'
import { operatorCode, useCode } from '../../domain/operator-code.ts'
import { recoveryCodes, useRecoveryCode } from '../../domain/recovery-codes.ts'
import { accept, miss, type TotpPurpose, totpAuthenticator } from '../../domain/totp-authenticator.ts'
import { GatewayError, type Refusal } from '../../errors.ts'
import type { Work } from '../../events/commit.ts'
import type { RateLimit } from '../../events/store.ts'
import type { Aggregate, Event } from '../../events/types.ts'
import type { Gateway } from '../../gateway.ts'
import { listFactors, type Recorded } from '../../queries/factors.ts'
import type { Person } from '../../queries/person.ts'
import { type FactorCode, type Match, matchCode, type RightCode } from './factor-codes.ts'

export type FactorMethod = RightCode['method']

/** Continues the stream of a factor from its read model. */
export function resumeFactor<S, E extends Event>(
  work: Work,
  aggregate: Aggregate<S, E>,
  { id, uai, version, wrappedKey, state }: Recorded<S>,
) {
  return work.resume(aggregate, id, { state, version }, { subject: uai, wrappedKey })
}

/** Returns the person's `standing`, which the unit of work requires unchanged. */
async function heldStanding(work: Work, uai: string): Promise<number> {
  const holder = await work.load(identity, uai, { subject: uai })
  holder.hold()
  return holder.state.standing
}

type Use = { purpose: TotpPurpose; now: Date }

/** Consumes a correct code; of several concurrent attempts, one succeeds. */
async function redeemFactor(work: Work, match: RightCode, { purpose, now }: Use): Promise<void> {
  switch (match.method) {
    case 'totp': {
      const { record, step } = match
      resumeFactor(work, totpAuthenticator, record).decide((state) => accept(state, { step, purpose }))
      return
    }
    case 'recovery_code': {
      const { record, codeHash } = match
      resumeFactor(work, recoveryCodes, record).decide((state) => useRecoveryCode(state, codeHash))
      return
    }
    case 'operator_code': {
      const standing = await heldStanding(work, match.record.uai)
      resumeFactor(work, operatorCode, match.record).decide((state) => useCode(state, { matches: true, standing, now }))
    }
  }
}

/** Records a wrong code for every factor that it was compared with. @returns the error code */
function recordMiss(work: Work, { tried }: Extract<Match, { right: false }>, { purpose, now }: Use): Refusal {
  let locked = tried.authenticators.length > 0
  for (const one of tried.authenticators) {
    const stream = resumeFactor(work, totpAuthenticator, one)
    const { events, refuse } = miss(stream.state, purpose)
    stream.decide(() => ({ events }))
    locked &&= refuse === 'totp_locked'
  }
  for (const one of tried.recoveryCodes)
    resumeFactor(work, recoveryCodes, one).decide((state) => ({ events: useRecoveryCode(state, '').events }))
  for (const one of tried.operatorCodes)
    resumeFactor(work, operatorCode, one).decide((state) => ({
      events: useCode(state, { matches: false, standing: one.state.standing, now }).events,
    }))
  return locked ? 'totp_locked' : 'otp_invalid'
}

export type PresentedFactor = {
  person: Pick<Person, 'members'>
  code: FactorCode
  purpose: TotpPurpose
  limits: RateLimit[]
}

/** A presented factor code that was compared once. */
export type CheckedFactor = Omit<PresentedFactor, 'person' | 'code'> & { match: Match; now: Date }

/**
 * Reads a person's factors and compares a code with them. Limits are checked first; a code that cannot match any factor is counted and
 * refused.
 * @throws GatewayError otp_invalid, otp_rate_limited
 */
export async function checkFactor(
  gateway: Gateway,
  { person, code, purpose, limits }: PresentedFactor,
): Promise<CheckedFactor> {
  const factors = await listFactors(gateway.reads, gateway.personal, person, limits)
  if (factors.wait > 0) throw new GatewayError('otp_rate_limited', { retryAfter: factors.wait })
  const now = gateway.now()
  const match = matchCode(gateway, factors, code, now)
  const cannotMatch = !match.right && Object.values(match.tried).every((one) => one.length === 0)
  return cannotMatch ? refuseUnmatched(gateway, limits) : { match, purpose, limits, now }
}

/**
 * Records a checked code in a unit of work: consumes a correct one; counts a wrong one for the limits and for every factor that it was
 * compared with, and refuses it. An attempt that lost a race must be checked again.
 * @throws GatewayError otp_invalid, totp_locked, otp_rate_limited
 */
export async function recordFactor(
  work: Work,
  { match, purpose, limits, now }: CheckedFactor,
): Promise<{ method: FactorMethod; id: string }> {
  if (match.right) {
    await redeemFactor(work, match, { purpose, now })
    return { method: match.method, id: match.record.id }
  }
  work.limits = limits
  work.limitRefusal = 'otp_rate_limited'
  return work.refuse(recordMiss(work, match, { purpose, now }))
}

/** Counts an attempt that could not succeed like any other. */
async function refuseUnmatched({ limiter }: Gateway, limits: RateLimit[]): Promise<never> {
  await limiter.enforce(limits, 'otp_rate_limited')
  throw new GatewayError('otp_invalid')
}

/**
 * Limits of wrong codes of a signed-in person (docs/security-rules.md S2). Six digits count for the person; recovery codes count
 * for the session only, since they cannot be guessed, so that a person who reads the mail cannot lock out the owner.
 */
export function ownLimits(
  { limiter }: Gateway,
  method: FactorMethod,
  { person, credentialId }: PersonPrincipal,
): RateLimit[] {
  if (method !== 'totp') return limiter.of('recovery-try', credentialId)
  return limiter.of('proof-try', person.uai)
}
