import { GatewayError } from '../errors.ts'
import type { Gateway } from '../gateway.ts'
import type { AppContext } from '../http/app.ts'
import { listResources } from '../queries/authorizations.ts'
import { authenticatePerson, type PersonPrincipal } from './authenticate.ts'

/**
 * The person behind a request to the gateway's own API. A token for another resource is refused, and so is one with which a
 * service calls another service for the person.
 * @throws GatewayError as authenticatePerson, invalid_token
 */
export async function accountHolder(gateway: Gateway, c: AppContext): Promise<PersonPrincipal> {
  const principal = await authenticatePerson(gateway, c)
  const { family, audience = [] } = principal
  if (!family || audience.includes(gateway.issuer)) return principal
  const own = (await listResources(gateway.reads)).filter((one) => one.is_default).map((one) => one.identifier)
  if (audience.some((one) => own.includes(one))) return principal
  throw new GatewayError('invalid_token', { reason: 'token for another resource' })
}
