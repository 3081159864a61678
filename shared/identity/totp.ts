import { uuidv7 } from 'uuidv7'
import { accept, enrol, MAX_AUTHENTICATORS, miss, remove, totpAuthenticator } from '../domain/totp-authenticator.ts'
import { GatewayError } from '../errors.ts'
import { commit, type Work } from '../events/commit.ts'
import type { RateLimit } from '../events/store.ts'
import { commitContext, type Gateway } from '../gateway.ts'
import type { AppContext } from '../http/app.ts'
import type { Person } from '../queries/person.ts'
import { listAuthenticators, type TotpRecord } from '../queries/totp-authenticators.ts'
import { openBytes, sealBytes } from '../tokens/sealed.ts'
import { matchingStep, newTotpSecret } from '../tokens/totp.ts'
import type { PersonPrincipal } from './authenticate.ts'
import { actAs } from './authority.ts'

const ENROLMENT_MS = 900_000

/** An authenticator that is shown to its person and not enrolled yet. */
export type Enrolment = { id: string; secret: string; until: number }

export function newEnrolment(): Enrolment {
  return { id: uuidv7(), secret: newTotpSecret(), until: Date.now() + ENROLMENT_MS }
}

/** The enrolment as its form carries it, for this session alone. */
export function sealEnrolment({ derive }: Gateway, { credentialId }: PersonPrincipal, enrolment: Enrolment): string {
  const bytes = Buffer.from(JSON.stringify(enrolment))
  return sealBytes(derive('totp-enrolment'), bytes, credentialId).toString('base64url')
}

/** @throws GatewayError csrf_invalid when it is another session's, or too old */
export function openEnrolment({ derive }: Gateway, { credentialId }: PersonPrincipal, sealed: string): Enrolment {
  try {
    const bytes = openBytes(derive('totp-enrolment'), Buffer.from(sealed, 'base64url'), credentialId)
    const enrolment: Enrolment = JSON.parse(bytes.toString())
    if (enrolment.until > Date.now()) return enrolment
  } catch (error) {
    throw new GatewayError('csrf_invalid', { reason: 'not an enrolment of this session', cause: error })
  }
  throw new GatewayError('csrf_invalid', { reason: 'enrolment too old' })
}

/**
 * Enrols an authenticator that shows a right code.
 * @param more decides further facts in the same unit of work
 * @throws GatewayError otp_invalid, too_many_authenticators
 */
export async function enrolTotp<T>(
  gateway: Gateway,
  c: AppContext,
  principal: PersonPrincipal,
  { id, secret, code }: Enrolment & { code: string },
  more: (work: Work) => Promise<T>,
): Promise<T> {
  const { person } = principal
  const step = matchingStep(secret, code, new Date())
  if (step === undefined) throw new GatewayError('otp_invalid')
  if (!person.wrappedKey) throw new GatewayError('access_denied', { reason: 'no data key' })
  const key = gateway.personal.unwrap(person.uai, person.wrappedKey)
  const sealed = Buffer.from(gateway.personal.seal(person.uai, key, secret), 'base64')
  return commit(commitContext(gateway, c), async (work) => {
    actAs(work, principal)
    const { authenticators } = await listAuthenticators(gateway.reads, gateway.personal, person)
    if (authenticators.length >= MAX_AUTHENTICATORS) throw new GatewayError('too_many_authenticators')
    const stream = await work.load(totpAuthenticator, id, { subject: person.uai })
    stream.decide((state) => enrol(state, { uai: person.uai, step, secret: sealed }))
    return more(work)
  })
}

/** Wrong codes of a person, whatever the app and wherever they are tried (standards S2). */
const tryLimits = ({ limiter }: Gateway, { uai }: Person): RateLimit[] => [
  limiter.limit('totp-try', uai, 5, 300),
  limiter.limit('totp-try', uai, 30, 86_400),
]

function resume(work: Work, { id, uai, lastStep, failures, version, wrappedKey }: TotpRecord) {
  work.knowKey(uai, wrappedKey)
  const state = { status: 'active' as const, uai, lastStep, failures }
  return work.resumeAt(totpAuthenticator, id, { state, version }, { subject: uai })
}

/**
 * Takes a code of one of a person's authenticators; each time step once. A wrong code is counted for all of them.
 * @param block decides in the same unit of work what follows
 * @throws GatewayError totp_not_enrolled, otp_invalid, totp_locked, otp_rate_limited
 */
export async function withTotp<T>(
  gateway: Gateway,
  c: AppContext,
  { person, code }: { person: Person; code: string },
  block: (work: Work, authenticatorId: string) => Promise<T>,
): Promise<T> {
  const limits = tryLimits(gateway, person)
  return commit(commitContext(gateway, c), async (work) => {
    const { authenticators, wait } = await listAuthenticators(gateway.reads, gateway.personal, person, limits)
    if (authenticators.length === 0) throw new GatewayError('totp_not_enrolled')
    if (wait > 0) throw new GatewayError('otp_rate_limited', { retryAfter: wait })
    const now = new Date()
    const right = authenticators.flatMap((one) => {
      const step = one.secret === undefined ? undefined : matchingStep(one.secret, code, now)
      return step === undefined ? [] : [{ one, step }]
    })
    const found = right.find(({ one, step }) => step > one.lastStep) ?? right[0]
    if (found) {
      resume(work, found.one).decide((state) => accept(state, found.step))
      return block(work, found.one.id)
    }
    work.limits = limits
    work.limitRefusal = 'otp_rate_limited'
    const last = authenticators.at(-1)
    for (const one of authenticators)
      resume(work, one).decide((state) => (one === last ? miss(state) : { events: miss(state).events }))
    throw new GatewayError('otp_invalid')
  })
}

/** @throws GatewayError not_found when it is not the person's own */
export async function removeTotp(
  gateway: Gateway,
  c: AppContext,
  principal: PersonPrincipal,
  { id, reason }: { id: string; reason: string },
): Promise<void> {
  await commit(commitContext(gateway, c), async (work) => {
    actAs(work, principal)
    const { authenticators } = await listAuthenticators(gateway.reads, gateway.personal, principal.person)
    const own = authenticators.find((one) => one.id === id)
    if (!own) throw new GatewayError('not_found')
    resume(work, own).decide((state) => remove(state, reason))
  })
}
