import { GatewayError } from '../errors.ts'
import type { Work } from '../events/commit.ts'
import type { Gateway } from '../gateway.ts'
import type { Person, SessionFacts } from '../queries/person.ts'
import type { PersonPrincipal } from './authenticate.ts'

export const OPERATOR_ROLES = ['admin', 'platform_admin'] as const

export const isOperator = ({ role }: Pick<Person, 'role'>) => OPERATOR_ROLES.some((one) => one === role)

export type Operator = {
  principal: PersonPrincipal & { session: SessionFacts }
  /** The one organization whose people and things the operator answers for; undefined for all of them. */
  organizationId?: string
}

/** Whether the operator answers for a person of these organizations: for all of them, since a merge can bring others' into one. */
export function answersFor({ organizationId }: Operator, organizations: readonly string[]): boolean {
  return organizationId === undefined || organizations.every((one) => one === organizationId)
}

/**
 * Whether the operator may act on a person: one they answer for, and nobody who answers for everything unless they do as well.
 */
export function mayActOn(operator: Operator, person: { organizations: readonly string[]; role: string }): boolean {
  return (
    answersFor(operator, person.organizations) &&
    (operator.organizationId === undefined || person.role !== 'platform_admin')
  )
}

/** What the operator does is recorded as theirs; say why in the event itself. */
export function actAsOperator(work: Work, { principal }: Operator): void {
  const { person, session, family } = principal
  work.actor = { type: 'operator', id: person.uai, sessionId: session.id, clientId: family?.client.client_id }
}

/**
 * Counts what reads much of the log, so that one operator keeps the database from nobody.
 * @throws GatewayError rate_limited
 */
export async function limitReading(
  { limiter }: Gateway,
  { principal }: Operator,
  rule: 'state-at' | 'blast-radius',
): Promise<void> {
  const wait = await limiter.hit(limiter.of(rule, principal.person.uai))
  if (wait > 0) throw new GatewayError('rate_limited', { retryAfter: wait })
}

/**
 * The operator that a principal is.
 * @param kind `platform` refuses operators of one organization
 * @throws GatewayError not_an_operator
 */
export function operatorOf(principal: PersonPrincipal, kind: 'organization' | 'platform'): Operator {
  const { person, session } = principal
  if (!session) throw new GatewayError('session_invalid')
  const { role, organizationId } = person
  if (role === 'platform_admin') return { principal: { ...principal, session } }
  if (role === 'admin' && kind === 'organization') return { principal: { ...principal, session }, organizationId }
  throw new GatewayError('not_an_operator')
}
