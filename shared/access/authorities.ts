import type { Call } from '../call.ts'
import { GatewayError, type Refusal } from '../errors.ts'
import { startGateway } from '../gateway.ts'
import type { Accepts, Authority, Caller } from '../http/route.ts'
import type { SessionFacts } from '../queries/person.ts'
import { admit, permit } from './admit.ts'
import type { CredentialKind, PersonPrincipal, Principal, ServicePrincipal } from './authenticate.ts'
import { type Operator, operatorOf } from './operator.ts'
import { isRead, recordOperatorRead } from './operator-reads.ts'

/** The owner of the account, in their browser or in a first-party application. */
export type Owner = PersonPrincipal & { session: SessionFacts }

/** Every kind of credential that a person can have. */
export const EVERY_PERSON: Caller[] = ['browser', 'first_party', 'application', 'agent', 'api_key']
const OWNER: Caller[] = ['browser', 'first_party']

const admitting = <P extends Principal>(accepts: Accepts, order?: CredentialKind[]): Authority<P> => ({
  accepts: [accepts],
  admit: async (call) => (await admit(call, accepts, order)) as P,
})

/**
 * Everyday actions, allowed with any credential of the person.
 * @param options.scope what applications, agents and API keys need
 * @param options.keyScope what API keys need instead; null for nothing
 */
export const everyday = (options: {
  scope: string
  keyScope?: string | null
  namesPeople?: true
  missing?: Refusal
}): Authority<PersonPrincipal> =>
  admitting({ door: 'everyday', callers: EVERY_PERSON, audience: 'account', ...options })

/** Everyday reads of the account's owner, closed to third-party applications, agents and keys. */
export const everydayOwner: Authority<Owner> = admitting({ door: 'everyday', callers: OWNER, audience: 'account' })

/**
 * Changes to who may act for a person: in their browser, or with a token for this gateway alone and a recent authentication.
 * @param recent which callers need a recent authentication
 */
export const sensitive = (recent: NonNullable<Accepts['recent']>): Authority<Owner> =>
  admitting({ door: 'sensitive', callers: OWNER, audience: 'issuer', recent })

/** Public; a credential that is presented must still be valid, so that no caller mistakes an invalid one for a valid one. */
const UNLESS_INVALID: Accepts = {
  ...{ door: 'public', callers: [...EVERY_PERSON, 'service'], audience: 'any', optional: true },
}
export const openUnlessInvalid: Authority<undefined> = {
  accepts: [UNLESS_INVALID],
  admit: async (call) => {
    if (!['authorization', 'x-api-key'].some((name) => call.request.header(name))) return undefined
    await startGateway()
    await admit(call, UNLESS_INVALID, ['bearer', 'api_key'])
    return undefined
  },
}

/** A service that an operator has granted a scope, with a client-credentials token for this gateway. */
export const service = (serviceScope: string): Authority<ServicePrincipal> =>
  admitting({ door: 'service', callers: ['service'], audience: 'issuer', serviceScope })

const OPERATOR: Accepts = { door: 'operator', callers: OWNER, audience: 'issuer' }

/** An operator with a recent step-up, in their browser or with a token for this gateway alone. Their reads are recorded. */
export function operator(
  kind: NonNullable<Accepts['operator']> = 'organization',
  options: Pick<Accepts, 'missing' | 'reads'> = {},
): Authority<Operator> {
  const accepts: Accepts = { ...OPERATOR, operator: kind, ...options }
  const admitOperator = async (call: Call) => {
    const admitted = operatorOf((await admit(call, accepts)) as PersonPrincipal, kind)
    if (options.reads || isRead(call)) await recordOperatorRead(call, admitted)
    return admitted
  }
  return { accepts: [accepts], admit: admitOperator }
}

/**
 * Whether a person may act as platform operator at a route that others also use: they meet all requirements of an operator route.
 * The read is then recorded like any operator read.
 */
export async function asksAsOperator(call: Call, principal: PersonPrincipal): Promise<boolean> {
  try {
    await permit(call, principal, { ...OPERATOR, operator: 'platform' })
  } catch (error) {
    if (error instanceof GatewayError && error.status < 500) return false
    throw error
  }
  await recordOperatorRead(call, operatorOf(principal, 'platform'))
  return true
}

/** The owner, or a service with a scope. */
export function ownerOrService(owner: Authority<Owner>, serviceScope: string): Authority<Owner | ServicePrincipal> {
  const [own] = owner.accepts as [Accepts]
  return admitting({ ...own, callers: [...own.callers, 'service'], serviceScope }, ['bearer', 'api_key', 'cookie'])
}

/** Chooses one of several authorities by the request. */
export const whichever = <Name extends string, P>(
  all: Record<Name, Authority<P>>,
  which: (call: Call) => Name,
): Authority<P> => ({
  accepts: Object.values<Authority<P>>(all).flatMap(({ accepts }) => accepts),
  admit: (call) => all[which(call)].admit(call),
})
