import { administers, commitAsOperator, isOperator, type Operator } from '../access/operator.ts'
import type { Call } from '../call.ts'
import { approveCode, type OperatorCode, operatorCode, requestCode, revokeCode } from '../domain/operator-code.ts'
import { GatewayError } from '../errors.ts'
import { aboutPerson, type Work } from '../events/commit.ts'
import type { Gateway } from '../gateway.ts'
import { newId } from '../ids.ts'
import { notifyFactorChange } from '../people/factor-notices.ts'
import { findByAddress, findPerson } from '../queries/identities.ts'
import type { Person } from '../queries/person.ts'
import { grouped, newCodePart } from '../sign-in/factors/factor-codes.ts'
import { emailLookup } from '../typed/email.ts'

/** A person by UAI or by one of their (parsed) addresses. */
export type Who = { uai?: string; email?: string }

/**
 * Returns the person that a code is for.
 * @throws GatewayError not_found for a person that the operator does not administer, operator_code_denied for themselves and for people
 * with a higher role
 */
async function personFor(
  gateway: Gateway,
  operator: Operator,
  { uai, email = '' }: Who,
  options: { self?: boolean } = {},
): Promise<Person> {
  const { reads, personal } = gateway
  const person =
    uai !== undefined
      ? await findPerson(reads, personal, uai)
      : await findByAddress(reads, personal, personal.digest(emailLookup(email)))
  if (!person?.active) throw new GatewayError('not_found')
  const self = operator.principal.person
  if (options.self && person.uai === self.uai) return person
  // A code also signs in to merged accounts, so the operator must administer all of their organizations.
  if (!administers(operator, person.organizations)) throw new GatewayError('not_found')
  if (person.uai === self.uai) throw new GatewayError('operator_code_denied', { reason: 'own account' })
  if (person.role === 'platform_admin' && self.role !== 'platform_admin')
    throw new GatewayError('operator_code_denied', { reason: 'higher role' })
  return person
}

export type MadePart = {
  id: string
  /** The code for the person; shown once. */
  code: string
  /** Whether a second operator must approve and has the other half of the code. */
  awaitsSecond: boolean
  expiresAt: Date
}

const stateOf = (state: OperatorCode) => {
  if (!('expiresAt' in state)) throw new GatewayError('not_found')
  return { awaitsSecond: state.status === 'waiting', expiresAt: state.expiresAt }
}

/**
 * Creates a one-time code for a person without access to mail. For another operator it is half a code, valid only with the half of a
 * second operator.
 * @param input.reason for the log and the person
 * @throws GatewayError as personFor, rate_limited
 */
export async function requestOperatorCode(
  call: Call,
  operator: Operator,
  input: Who & { reason: string },
): Promise<MadePart> {
  const { gateway } = call
  const person = await personFor(gateway, operator, input)
  const { uai } = operator.principal.person
  const id = newId()
  const part = newCodePart()
  const made = await commitAsOperator(call, operator, async (work) => {
    work.limits = [...gateway.limiter.of('operator-code', uai), ...gateway.limiter.of('operator-code-for', person.uai)]
    const facts = {
      uai: person.uai,
      operator: uai,
      reason: input.reason,
      needsSecond: isOperator(person),
      standing: person.standing,
    }
    const partHash = gateway.hashCode(id, part)
    const stream = work.start(operatorCode, id, aboutPerson(person))
    const state = stateOf(stream.decide(() => requestCode({ ...facts, partHash, now: gateway.now() })))
    if (!state.awaitsSecond) notifyFactorChange(call, work, { person, kind: 'operator_code_made' })
    return state
  })
  return { id, code: grouped(part), ...made }
}

/** Returns an open code and its person. */
async function open(gateway: Gateway, work: Work, operator: Operator, id: string, options: { self?: boolean } = {}) {
  const { state } = await work.load(operatorCode, id, {})
  if (!('uai' in state)) throw new GatewayError('not_found')
  const person = await personFor(gateway, operator, state, options)
  return { person, stream: await work.load(operatorCode, id, { subject: state.uai }) }
}

/** @throws GatewayError not_found, access_denied, second_operator_needed */
export async function approveOperatorCode(
  call: Call,
  operator: Operator,
  input: { id: string; reason: string },
): Promise<MadePart> {
  const { gateway } = call
  const { id, reason } = input
  const part = newCodePart()
  const made = await commitAsOperator(call, operator, async (work) => {
    const { stream, person } = await open(gateway, work, operator, id)
    const partHash = gateway.hashCode(id, part)
    const { uai, members } = operator.principal.person
    const { standing } = person
    const now = gateway.now()
    const state = stream.decide((current) =>
      approveCode(current, { operator: uai, members, standing, reason, partHash, now }),
    )
    notifyFactorChange(call, work, { person, kind: 'operator_code_made' })
    return stateOf(state)
  })
  return { id, code: grouped(part), ...made }
}

/** @throws GatewayError not_found, access_denied */
export async function revokeOperatorCode(
  call: Call,
  operator: Operator,
  input: { id: string; reason: string },
): Promise<void> {
  const { id, reason } = input
  await commitAsOperator(call, operator, async (work) => {
    const { stream } = await open(call.gateway, work, operator, id, { self: true })
    const { uai } = operator.principal.person
    stream.decide((state) => revokeCode(state, { operator: uai, reason }))
  })
}
