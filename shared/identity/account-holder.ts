import { GatewayError, type Refusal } from '../errors.ts'
import type { Gateway } from '../gateway.ts'
import type { AppContext } from '../http/app.ts'
import { listResources } from '../queries/authorizations.ts'
import type { SessionFacts } from '../queries/person.ts'
import { authenticatePerson, type PersonPrincipal } from './authenticate.ts'

/**
 * The person behind a request to the gateway's own API. A token for another resource is refused, and so is one with which a
 * service calls another service for the person.
 * @param options.missing what a request without any credential is refused with
 * @throws GatewayError as authenticatePerson, invalid_token
 */
export async function accountHolder(
  gateway: Gateway,
  c: AppContext,
  options: { missing?: Refusal } = {},
): Promise<PersonPrincipal> {
  return forThisGateway(gateway, await authenticatePerson(gateway, c, options))
}

/** The principal, unless its token is for another resource. @throws GatewayError invalid_token */
export async function forThisGateway(gateway: Gateway, principal: PersonPrincipal): Promise<PersonPrincipal> {
  const { family, audience = [] } = principal
  if (!family || audience.includes(gateway.issuer)) return principal
  const own = (await listResources(gateway.reads)).filter((one) => one.is_default).map((one) => one.identifier)
  if (audience.some((one) => own.includes(one))) return principal
  throw new GatewayError('invalid_token', { reason: 'token for another resource' })
}

/**
 * The person as the owner of the account: at their browser or in a LanOnasis application that they signed in with. No other
 * application, no service and no API key acts as the owner.
 * @throws GatewayError as accountHolder, insufficient_scope
 */
export async function accountOwner(
  gateway: Gateway,
  c: AppContext,
): Promise<PersonPrincipal & { session: SessionFacts }> {
  const principal = await accountHolder(gateway, c)
  const { session, family, apiKey } = principal
  const delegated = apiKey || family?.kind === 'delegated' || (family && !family.client.first_party)
  if (delegated || !session) throw new GatewayError('insufficient_scope')
  return { ...principal, session }
}
