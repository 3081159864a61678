import { GatewayError } from '../errors.ts'
import type { Work } from '../events/commit.ts'
import type { Gateway } from '../gateway.ts'
import type { AppContext } from '../http/app.ts'
import type { Person, SessionFacts } from '../queries/person.ts'
import { visitor } from './account-forms.ts'
import { accountOwner } from './account-holder.ts'
import type { PersonPrincipal } from './authenticate.ts'
import { isSteppedUp, stepUpNeeded, stepUpUrl } from './step-up.ts'

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
  work.knowKey(person.uai, person.wrappedKey)
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

type Demand = {
  /** Refuses operators of one organization. */
  platform?: boolean
}

function operatorOf(principal: Operator['principal'], { platform }: Demand): Operator {
  const { role, organizationId } = principal.person
  if (role === 'platform_admin') return { principal }
  if (role === 'admin' && !platform) return { principal, organizationId }
  throw new GatewayError('access_denied', { reason: 'not an operator' })
}

/** At a browser only our own pages act for an operator, not those of other sub-domains, which other pages of the API trust. */
function refuseOtherPages({ issuer }: Gateway, c: AppContext): void {
  const [site, origin] = [c.req.header('sec-fetch-site') ?? 'none', c.req.header('origin')]
  const own = (site === 'same-origin' || site === 'none') && (!origin || origin === new URL(issuer).origin)
  if (!own) throw new GatewayError('csrf_invalid', { reason: 'another page asked for an operator' })
}

/**
 * The operator behind a request to the API: at their browser, or with a token for the gateway alone (`resource` is the issuer)
 * in one of our applications, and stepped up a short while ago.
 * @throws GatewayError as accountOwner, access_denied, csrf_invalid, insufficient_user_authentication
 */
export async function requireOperator(gateway: Gateway, c: AppContext, demand: Demand = {}): Promise<Operator> {
  const principal = await accountOwner(gateway, c)
  const operator = operatorOf(principal, demand)
  if (principal.source === 'sso_session') refuseOtherPages(gateway, c)
  // A token that other resources see as well could be passed on by whoever serves them.
  if (principal.family && !principal.audience?.every((one) => one === gateway.issuer))
    throw new GatewayError('invalid_token', { reason: 'token for another resource' })
  if (!isSteppedUp(principal.session)) throw stepUpNeeded()
  return operator
}

/**
 * The operator at this browser; whoever is not signed in, or did not step up a short while ago, does so first and comes back.
 * @param home where a form's sender comes back to
 * @throws GatewayError access_denied
 */
export async function visitingOperator(
  gateway: Gateway,
  c: AppContext,
  home: string,
  demand: Demand = {},
): Promise<Operator | Response> {
  const principal = await visitor(gateway, c, home)
  if (principal instanceof Response) return principal
  const { session } = principal
  if (!session) throw new GatewayError('session_invalid')
  const operator = operatorOf({ ...principal, session }, demand)
  if (isSteppedUp(session)) return operator
  const { pathname, search } = new URL(c.req.url)
  return c.redirect(stepUpUrl(c.req.method === 'GET' ? pathname + search : home), 303)
}
