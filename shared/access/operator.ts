import { GatewayError } from '../errors.ts'
import { type CommitContext, commit, type Work } from '../events/commit.ts'
import type { Person, SessionFacts } from '../queries/person.ts'
import type { PersonPrincipal } from './authenticate.ts'

export const OPERATOR_ROLES = ['admin', 'platform_admin'] as const

export const isOperator = ({ role }: Pick<Person, 'role'>) => OPERATOR_ROLES.some((one) => one === role)

export type Operator = {
  principal: PersonPrincipal & { session: SessionFacts }
  /** The organization that the operator administers; undefined for all organizations. */
  organizationId?: string
}

/** Whether the operator administers every organization of a person, since a merge can bring in those of others. */
export function administers({ organizationId }: Operator, organizations: readonly string[]): boolean {
  return organizationId === undefined || organizations.every((one) => one === organizationId)
}

/** Whether the operator may act on a person: one they administer, and on a platform operator only as a platform operator. */
export function mayActOn(operator: Operator, person: { organizations: readonly string[]; role: string }): boolean {
  return (
    administers(operator, person.organizations) &&
    (operator.organizationId === undefined || person.role !== 'platform_admin')
  )
}

/** Names the operator as the actor; the reason belongs into the event. */
export function actAsOperator(work: Work, { principal }: Operator): void {
  const { person, session, family } = principal
  work.actor = { type: 'operator', id: person.uai, sessionId: session.id, clientId: family?.client.client_id }
}

/** Runs a unit of work in which an operator acts. @throws GatewayError as `commit` */
export const commitAsOperator = <T>(
  context: CommitContext,
  operator: Operator,
  block: (work: Work) => Promise<T>,
): Promise<T> =>
  commit(context, async (work) => {
    actAsOperator(work, operator)
    return block(work)
  })

/**
 * Returns the principal as an operator.
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
