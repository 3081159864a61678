import type { PersonPrincipal } from '../access/authenticate.ts'
import { actAs } from '../access/authority.ts'
import { actAsOperator, mayActOn, type Operator } from '../access/operator.ts'
import type { Call } from '../call.ts'
import { GatewayError } from '../errors.ts'
import type { Work } from '../events/commit.ts'
import { findPerson } from '../queries/identities.ts'
import type { SessionFacts } from '../queries/person.ts'
import { type ErasureReceipt, erasePerson } from './erase-person.ts'

/** Permanently erases the caller's own account. The route requires a recent authentication. */
export async function eraseSelf(
  call: Call,
  principal: PersonPrincipal & { session: SessionFacts },
): Promise<ErasureReceipt> {
  const backupDays = call.gateway.config.BACKUP_DAYS
  const act = (work: Work) => actAs(work, principal)
  return erasePerson(call, principal.person, { act, reason: 'person', backupDays })
}

/**
 * Permanently erases a person whom the operator administers. Operators erase themselves on their own account page.
 * @throws GatewayError not_found
 */
export async function eraseOther(
  call: Call,
  operator: Operator,
  { uai, reason }: { uai: string; reason: string },
): Promise<ErasureReceipt> {
  const { gateway } = call
  const person = await findPerson(gateway.reads, gateway.personal, uai)
  if (!person || !mayActOn(operator, person)) throw new GatewayError('not_found')
  if (person.uai === operator.principal.person.uai) throw new GatewayError('access_denied', { reason: 'own account' })
  const backupDays = gateway.config.BACKUP_DAYS
  const act = (work: Work) => actAsOperator(work, operator)
  return erasePerson(call, person, { act, reason, backupDays })
}
