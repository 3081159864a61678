import { mayActOn, type Operator } from '../access/operator.ts'
import { type BlastRadius, traceBlastRadius } from '../audit/blast-radius.ts'
import { GatewayError } from '../errors.ts'
import type { Gateway } from '../gateway.ts'

/**
 * Returns the blast radius of a credential or event, if the operator may act on every person in it.
 * @throws GatewayError not_found, rate_limited
 */
export async function operatedBlastRadius(gateway: Gateway, operator: Operator, id: string): Promise<BlastRadius> {
  // One operator must not exhaust the database with reads of the log.
  await gateway.limiter.enforce(gateway.limiter.of('blast-radius', operator.principal.person.uai))
  const radius = await traceBlastRadius(gateway, id)
  const all = radius.people.every((person) => mayActOn(operator, person))
  if (!all || (radius.people.length === 0 && operator.organizationId !== undefined)) throw new GatewayError('not_found')
  return radius
}
