import { projectScope } from '../../access/project-scope.ts'
import { addressKey, networkKey } from '../../addresses.ts'
import type { Call } from '../../call.ts'
import { ACR } from '../../domain/authentication.ts'
import type { FactorSource } from '../../domain/session.ts'
import { accept, type TotpPurpose } from '../../domain/totp-authenticator.ts'
import { GatewayError } from '../../errors.ts'
import type { RateLimit } from '../../events/store.ts'
import type { Gateway } from '../../gateway.ts'
import type { Effort } from '../../limits.ts'
import { findByAddress } from '../../queries/identities.ts'
import type { Person } from '../../queries/person.ts'
import type { SignedIn } from '../../queries/sessions.ts'
import { countingMailbox, emailLookup } from '../../typed/email.ts'
import { type CompletedSignIn, completeSignIn, type SignInMethod, type Verification } from '../complete.ts'
import { withEffort } from '../effort.ts'
import { knownBrowserOf } from '../known-browser.ts'
import {
  type CheckedFactor,
  checkFactor,
  type FactorMethod,
  type PresentedFactor,
  recordFactor,
} from './check-factor.ts'
import { type FactorCode, readFactorCode } from './factor-codes.ts'
import { forgetDevices } from './remembered-devices.ts'

const METHODS: readonly FactorMethod[] = ['totp', 'recovery_code', 'operator_code']
const SOURCES: Record<FactorMethod, FactorSource> = {
  totp: 'totp_authenticator',
  recovery_code: 'recovery_codes',
  operator_code: 'operator_code',
}

/**
 * The same limits for known and unknown addresses (docs/security-rules.md S2, S5). Six digits also count for the address;
 * longer codes cannot be guessed and do not, so that a stranger locks no one out. A browser known to the person has its own limits.
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

/** What hooks receive for a correct code that is not used yet. */
function factsOf({ match, purpose }: CheckedFactor, person: Person, email: string): Verification['facts'] {
  if (!match.right) return undefined
  const { method } = match
  if (method === 'totp' && accept(match.record.state, { step: match.step, purpose }).refuse) return undefined
  return { method, proofs: [method], person, profile: { email } }
}

/** Returns the sign-in by a factor; it does the same work for known and unknown addresses. */
function factorMethod(
  gateway: Gateway,
  { email, address, ...presented }: Omit<PresentedFactor, 'person'> & { email: string; address: string },
): SignInMethod {
  const { reads, personal } = gateway
  return {
    async verify() {
      const person = await findByAddress(reads, personal, personal.digest(address))
      const checked = await checkFactor(gateway, { ...presented, person: person ?? { members: [] } })
      if (!person) throw new GatewayError('otp_invalid', { reason: 'unknown address' })
      return {
        facts: factsOf(checked, person, email),
        async settle(work) {
          if (checked.match.right) work.actor = { type: 'person', id: person.uai }
          const { method, id } = await recordFactor(work, checked)
          if (!person.active) work.refuse('account_suspended')
          if (method === 'recovery_code') await forgetDevices(gateway, work, person, 'recovery')
          const acr = method === 'operator_code' ? ACR.operatorVouched : ACR.singleFactor
          return {
            person,
            authentication: { method, amr: ['otp'], acr, provenBy: { type: SOURCES[method], id } },
            notice: method === 'recovery_code' ? { kind: 'recovery_code_used' } : undefined,
          }
        },
      }
    },
  }
}

/**
 * Signs in a person without mail: with a code from an authenticator app, a recovery code, or a code from operators.
 * @param input.email a parsed address
 * @param input.code as typed
 * @param input.replaces the browser's current session
 * @throws GatewayError otp_malformed, otp_invalid, otp_rate_limited, account_suspended, and those of the hooks
 */
export async function signInWithoutMail(
  call: Call,
  { email, code: typed, replaces }: { email: string; code: string; replaces?: SignedIn },
): Promise<CompletedSignIn> {
  const code = readFactorCode(typed, METHODS)
  const address = emailLookup(email)
  const knownBy = await knownBrowserOf(call, address)
  const purpose: TotpPurpose = knownBy ? 'known_browser' : 'sign_in'
  const limitsOf = (effort: Effort) =>
    tryLimits(call.gateway, { address, code, ip: call.request.clientIp, knownBy, effort })
  const step = { step: `without mail ${address}`, limits: async (effort: Effort) => limitsOf(effort) }
  return withEffort(call, step, (effort) => {
    const method = factorMethod(call.gateway, { email, address, code, purpose, limits: limitsOf(effort) })
    return completeSignIn(call, method, { platform: 'web', projectScope: projectScope(undefined), replaces })
  })
}
