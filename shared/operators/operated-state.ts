import { limitReading, type Operator } from '../access/operator.ts'
import { GatewayError } from '../errors.ts'
import type { Gateway } from '../gateway.ts'
import type { Person } from '../queries/person.ts'
import { type StateAt, stateAt } from '../queries/time-travel.ts'

/**
 * What a person, as the operator sees them, could do at a time.
 * @throws GatewayError rate_limited; state_archived when streams of that time are not in the store any more
 */
export async function operatedState(
  gateway: Gateway,
  operator: Operator,
  { members }: Pick<Person, 'members'>,
  at: Date,
): Promise<StateAt[]> {
  await limitReading(gateway, operator, 'state-at')
  return stateAt(gateway.reads, at, members).catch((error: { code?: string }) => {
    throw error.code === 'LA005' ? new GatewayError('state_archived') : error
  })
}
