import { checkApiKey } from '../../access/check-api-key.ts'
import { projectScope } from '../../access/project-scope.ts'
import type { Call } from '../../call.ts'
import { GatewayError } from '../../errors.ts'

/**
 * Returns the introspection response of an API key: the members that existing consumers read of a token, and `token_type: "api_key"`.
 * Undefined for an invalid key.
 * @throws GatewayError rate_limited
 */
export async function describeApiKey(call: Call, presented: string) {
  const checked = await checkApiKey(call, presented).catch((error: unknown) => {
    if (error instanceof GatewayError && error.status < 429) return undefined
    throw error
  })
  if (!checked) return undefined
  const { key, person, scope } = checked
  const seconds = (at: string) => Math.floor(new Date(at).getTime() / 1000)
  return {
    active: true,
    iss: call.gateway.issuer,
    sub: person.uai,
    user_id: person.uai,
    scope: scope.join(' '),
    token_type: 'api_key',
    api_key_id: key.id,
    iat: seconds(key.rotated_at ?? key.created_at),
    ...(key.expires_at && { exp: seconds(key.expires_at) }),
    email: person.email,
    project_scope: projectScope(call.request.header('x-project-scope')),
    organization_id: person.organizationId,
  }
}
