import type { Call } from '../call.ts'
import { isPending, pendingSignIn, presentSecondFactor } from '../domain/pending-sign-in.ts'
import { GatewayError } from '../errors.ts'
import { aboutPerson, type Work } from '../events/commit.ts'
import type { Person } from '../queries/person.ts'
import { findPending } from '../queries/second-factor.ts'
import type { SignedIn } from '../queries/sessions.ts'
import { type CompletedSignIn, completeSignIn, type SignInMethod } from './complete.ts'
import { checkFactor, recordFactor } from './factors/check-factor.ts'
import { readFactorCode } from './factors/factor-codes.ts'
import { forgetDevices, mayRemember, rememberDevice } from './factors/remembered-devices.ts'
import { type Enrolment, enrolTotp } from './factors/totp.ts'
import { demandActive, type HeldSignIn } from './second-factor.ts'
import type { ProvenFactor } from './start-session.ts'

type PresentedSecond = {
  /** As typed. */
  code: string
  /** The authenticator app that the code is the first one of, if the person sets one up. */
  enrolment?: Enrolment
  /** Whether not to ask again in this browser. */
  remember?: boolean
  /** The browser's current session. */
  replaces?: SignedIn
}

/** Checks a second factor, and returns what records it. */
async function checkSecond(call: Call, held: HeldSignIn, person: Person, { code: typed, enrolment }: PresentedSecond) {
  const { gateway } = call
  if (held.factors.length === 0 && enrolment) {
    const { code } = readFactorCode(typed, ['totp'])
    return (work: Work): Promise<ProvenFactor> => enrolTotp(gateway, work, { person }, { ...enrolment, code })
  }
  const code = readFactorCode(typed, ['totp', 'recovery_code'])
  const { limiter } = gateway
  const limits =
    code.method === 'totp' ? limiter.of('second-factor-try', person.uai) : limiter.of('recovery-try', held.id)
  const checked = await checkFactor(gateway, { person, code, purpose: 'sign_in', limits })
  return async (work: Work): Promise<ProvenFactor> => {
    const { method, id } = await recordFactor(work, checked)
    return { method: method === 'recovery_code' ? 'recovery_code' : 'totp', id }
  }
}

const SOURCES = { totp: 'totp_authenticator', passkey: 'passkey', recovery_code: 'recovery_codes' } as const

/** The sign-in that goes on where the first factor ended. The held sign-in is completed once. */
function heldMethod(call: Call, held: HeldSignIn, presented: PresentedSecond, remembered: (set: () => void) => void) {
  const { gateway } = call
  const method: SignInMethod = {
    async verify(clientId) {
      const { id, uai } = held
      const found = await findPending(gateway.reads, gateway.personal, { id, uai, clientId })
      const person = demandActive(found.person)
      const record = await checkSecond(call, held, person, presented)
      return {
        async settle(work, _, now) {
          work.actor = { type: 'person', id: person.uai }
          if (!found.pending) throw new GatewayError('mfa_expired', { reason: 'unknown' })
          const stream = work.resume(pendingSignIn, id, found.pending, aboutPerson(person))
          // Before the code is compared, so that a completed sign-in spends none.
          if (!isPending(stream.state, now)) work.refuse('mfa_expired')
          const second = await record(work)
          const provenBy = { type: SOURCES[second.method], id: second.id }
          stream.decide((state) => presentSecondFactor(state, { now, provenBy }))
          if (second.method === 'recovery_code') await forgetDevices(gateway, work, person, 'recovery')
          else if (presented.remember && mayRemember(gateway, person))
            remembered(await rememberDevice(call, work, person))
          const { authentication, upstream, link, notAfter } = held
          const used = { kind: 'recovery_code_used' as const }
          const added = { kind: 'authenticator_added' as const }
          const notice = second.method === 'recovery_code' ? used : presented.enrolment ? added : held.notice
          return {
            ...{ person, authentication, upstream, link, second, notice, client: found.client },
            ...{ resources: found.resources, notAfter: notAfter === undefined ? undefined : new Date(notAfter) },
          }
        },
      }
    },
  }
  return method
}

/**
 * Completes a sign-in with its second factor: a code of the authenticator app, or a recovery code.
 * @throws GatewayError mfa_expired, otp_malformed, otp_invalid, otp_rate_limited, totp_locked, account_suspended, and as completeSignIn
 */
export async function completeHeld(call: Call, held: HeldSignIn, presented: PresentedSecond): Promise<CompletedSignIn> {
  const { platform, projectScope, samePerson, page, device, pair, hooks } = held
  let setDevice = () => {}
  const method = heldMethod(call, held, presented, (set) => {
    setDevice = set
  })
  const request = { platform, projectScope, samePerson, page, device, replaces: presented.replaces }
  const completed = await completeSignIn(
    call,
    { ...method, asked: hooks },
    { ...request, tokens: pair ? 'pair' : undefined },
  )
  setDevice()
  return completed
}
