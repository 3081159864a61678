import { type BlastRadius, traceBlastRadius } from '../audit/blast-radius.ts'
import { GatewayError } from '../errors.ts'
import type { Gateway } from '../gateway.ts'
import { answersFor, type Operator } from './operator.ts'

/**
 * What followed from a credential or event, where the operator answers for everybody whom it concerns.
 * @throws GatewayError not_found
 */
export async function operatedRadius(gateway: Gateway, operator: Operator, id: string): Promise<BlastRadius> {
  const radius = await traceBlastRadius(gateway, id)
  const all = radius.people.every(({ organizations }) => answersFor(operator, organizations))
  if (!all || (radius.people.length === 0 && operator.organizationId !== undefined)) throw new GatewayError('not_found')
  return radius
}
