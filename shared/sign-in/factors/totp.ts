import type { PersonPrincipal } from '../../access/authenticate.ts'
import { commitAs } from '../../access/authority.ts'
import { isOperator } from '../../access/operator.ts'
import type { Call } from '../../call.ts'
import { enrol, MAX_AUTHENTICATORS, remove, totpAuthenticator } from '../../domain/totp-authenticator.ts'
import { GatewayError } from '../../errors.ts'
import { aboutPerson, type Work } from '../../events/commit.ts'
import type { Gateway } from '../../gateway.ts'
import { newId } from '../../ids.ts'
import { notifyFactorChange } from '../../people/factor-notices.ts'
import { listFactors } from '../../queries/factors.ts'
import { matchingStep, newTotpSecret } from '../../tokens/totp.ts'
import type { ProvenFactor } from '../start-session.ts'
import { resumeFactor } from './check-factor.ts'
import { afterFactorRemoval } from './factor-removal.ts'
import { forgetDevices } from './remembered-devices.ts'

const ENROLMENT_MS = 900_000

/** An authenticator that is shown to the person but not enrolled yet. */
export type Enrolment = { id: string; secret: string; until: number }

/** Who enrols: a person in a session, or in a sign-in that waits for a second factor. */
type Enrolling = Pick<PersonPrincipal, 'person' | 'credentialId'>

export function newEnrolment(now: Date): Enrolment {
  return { id: newId(), secret: newTotpSecret(), until: now.getTime() + ENROLMENT_MS }
}

/** Returns the enrolment sealed for this session or sign-in, for a form field. */
export function sealEnrolment(
  { ring }: Gateway,
  { credentialId }: Pick<Enrolling, 'credentialId'>,
  enrolment: Enrolment,
): string {
  return ring.sealJson('totp-enrolment', enrolment, credentialId)
}

/** Returns the enrolment from a form field; undefined if it belongs to another session or has expired. */
export function openEnrolment(
  { ring, now }: Gateway,
  { credentialId }: Pick<Enrolling, 'credentialId'>,
  sealed: string,
): Enrolment | undefined {
  const enrolment = ring.openJson<Enrolment>('totp-enrolment', sealed, credentialId)
  return enrolment && enrolment.until > now().getTime() ? enrolment : undefined
}

/**
 * Enrols an authenticator in a unit of work if its code is correct.
 * @throws GatewayError otp_invalid, too_many_authenticators
 */
export async function enrolTotp(
  gateway: Gateway,
  work: Work,
  { person }: Pick<Enrolling, 'person'>,
  { id, secret, code }: Enrolment & { code: string },
): Promise<ProvenFactor> {
  const { reads, personal } = gateway
  const step = matchingStep(secret, code, gateway.now())
  if (step === undefined) throw new GatewayError('otp_invalid')
  if (!person.wrappedKey) throw new GatewayError('access_denied', { reason: 'no data key' })
  const sealed = personal.seal(person.uai, personal.unwrap(person.uai, person.wrappedKey), secret)
  const { authenticators } = await listFactors(reads, personal, person)
  if (authenticators.length >= MAX_AUTHENTICATORS) throw new GatewayError('too_many_authenticators')
  await forgetDevices(gateway, work, person, 'factors_changed')
  const stream = await work.load(totpAuthenticator, id, aboutPerson(person))
  stream.decide((state) => enrol(state, { uai: person.uai, step, secret: Buffer.from(sealed, 'base64') }))
  return { method: 'totp', id }
}

/** @throws GatewayError not_found if it is not the person's own, last_authenticator of an operator */
export async function removeTotp(
  call: Call,
  principal: PersonPrincipal,
  { id, reason }: { id: string; reason: string },
): Promise<void> {
  await commitAs(call, principal, async (work) => {
    const { authenticators } = await listFactors(call.gateway.reads, call.gateway.personal, principal.person)
    const own = authenticators.find((one) => one.id === id)
    if (!own) throw new GatewayError('not_found')
    if (authenticators.length === 1 && isOperator(principal.person)) throw new GatewayError('last_authenticator')
    resumeFactor(work, totpAuthenticator, own).decide((state) => remove(state, reason))
    await afterFactorRemoval(call.gateway, work, principal.person, { removed: [id], reason: 'factors_changed' })
    notifyFactorChange(call, work, { person: principal.person, kind: 'authenticator_removed' })
  })
}
