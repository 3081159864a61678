import { chooseResources, ownResource, withoutSupabase } from '../../access/resource.ts'
import { confirmationFor } from '../../access/sender-constraint.ts'
import type { Call } from '../../call.ts'
import { GatewayError } from '../../errors.ts'
import { commit } from '../../events/commit.ts'
import { findForService } from '../../queries/authorizations.ts'
import { authenticateClient, type ClientCredentials } from './client-auth.ts'
import { narrowScope } from './scope.ts'
import { startServiceFamily } from './token-family.ts'
import type { ServiceGrant, StartedFamily } from './token-response.ts'

/**
 * Issues an access token to a confidential client in its own name, without a refresh token.
 * @throws GatewayError invalid_client, unauthorized_client, invalid_scope, invalid_target, invalid_dpop_proof
 * @see OAuth 2.1 section 4.2
 */
export async function clientCredentials(
  call: Call,
  credentials: ClientCredentials,
  params: { scope?: string; resource?: string[] },
): Promise<StartedFamily<ServiceGrant>> {
  const { gateway } = call
  const found = await findForService(gateway.reads, credentials)
  const client = await authenticateClient(gateway, found, credentials)
  const { grant_types, token_endpoint_auth_method } = client.metadata
  if (!grant_types.includes('client_credentials') || token_endpoint_auth_method === 'none')
    throw new GatewayError('unauthorized_client')
  const scope = narrowScope(client, params.scope)?.filter((one) => !PERSONAL.includes(one))
  if (!scope || scope.length === 0) throw new GatewayError('invalid_scope')
  const resources = chooseResources([...withoutSupabase(found.resources), ownResource(gateway.issuer)], params.resource)
  const confirmation = await confirmationFor(call, client)
  return commit(call, async (work) =>
    startServiceFamily(gateway, work, { client, scope, resources, confirmation }, gateway.now()),
  )
}

/** Scopes that have no meaning without a person. */
const PERSONAL = ['openid', 'profile', 'email', 'offline_access']
