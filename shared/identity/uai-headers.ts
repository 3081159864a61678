import type { Principal } from './authenticate.ts'
import type { Actor } from './describe-principal.ts'

const METHODS: Partial<Record<Principal['source'], string>> = {
  sso_session: 'sso_cookie',
  api_key: 'api_key',
  vendor_key: 'api_key',
}

/** How a principal was proven, in the words of wire-contract 1.6. */
export const methodOf = ({ source }: Principal) => METHODS[source] ?? 'bearer_token'

/** Who a request comes from, as services read it (wire-contract 2.2); what is not known is empty. */
export function uaiHeaders(principal: Principal, actor: Actor): Record<string, string> {
  return {
    'X-UAI-Auth-Id': actor.user_id ?? '',
    'X-UAI-Organization': actor.organization_id ?? '',
    'X-UAI-Auth-Method': methodOf(principal),
    'X-UAI-Credential-Id': actor.credential_id,
    'X-UAI-Email': encodeURI(actor.email ?? ''),
    'X-UAI-From-Cache': 'false',
    'X-Auth-Source': actor.auth_source,
    'X-Actor-Id': actor.actor_id ?? '',
    'X-Actor-Type': actor.actor_type,
    'X-API-Key-Id': actor.api_key_id ?? '',
    'X-Project-Scope': actor.project_scope,
  }
}
