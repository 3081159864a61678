import type { Operator } from '../access/operator.ts'
import { createPast, PAST_EVENTS, type StateAt } from '../domain/state-at.ts'
import { GatewayError } from '../errors.ts'
import type { Gateway } from '../gateway.ts'
import { archivedUntil, readPast } from '../queries/past.ts'
import type { Person } from '../queries/person.ts'

/**
 * Replays the log up to a time to find who could do what then. Session activity has no events: a session last seen too long before that
 * time had expired; for one seen later, earlier activity is unknown.
 * @param people limits the result; without it the whole log is read
 * @throws GatewayError invalid_request for a future time; state_archived if streams of that time are archived
 */
export async function stateAt(
  { reads, now }: Pick<Gateway, 'reads' | 'now'>,
  at: Date,
  people?: string[],
): Promise<StateAt[]> {
  if (at > now()) throw new GatewayError('invalid_request', { details: { at: ['must not be in the future'] } })
  const archived = await archivedUntil(reads)
  if (archived && at < archived) throw new GatewayError('state_archived')
  const past = createPast(at)
  for await (const events of readPast(reads, PAST_EVENTS, at, people)) for (const event of events) past.add(event)
  // A month archived in the meantime took the ends of streams away whose beginnings were read.
  const isUnchanged = (await archivedUntil(reads))?.getTime() === archived?.getTime()
  return isUnchanged ? past.people() : stateAt({ reads, now }, at, people)
}

/**
 * Returns what a person that the operator administers could do at a time.
 * @throws GatewayError rate_limited, and as `stateAt`
 */
export async function operatedState(
  gateway: Gateway,
  operator: Operator,
  { members }: Pick<Person, 'members'>,
  at: Date,
): Promise<StateAt[]> {
  await gateway.limiter.enforce(gateway.limiter.of('state-at', operator.principal.person.uai))
  return stateAt(gateway, at, members)
}
