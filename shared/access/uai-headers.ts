import type { Principal } from './authenticate.ts'
import { type Actor, boundTo } from './describe-principal.ts'

const METHODS: Partial<Record<Principal['source'], string>> = {
  sso_session: 'sso_cookie',
  api_key: 'api_key',
  vendor_key: 'api_key',
}

/** The authentication method of a principal, as docs/wire-contract.md 1.6 names it. */
export const methodOf = ({ source }: Principal) => METHODS[source] ?? 'bearer_token'

/** Headers in which `resolve` returns the identity of a request (docs/wire-contract.md 2.2). */
export const RESOLVED_HEADERS = [
  'X-UAI-Auth-Id',
  'X-UAI-Organization',
  'X-UAI-Auth-Method',
  'X-UAI-Credential-Id',
  'X-UAI-Email',
  'X-UAI-Scope',
  'X-UAI-Client-Id',
  'X-UAI-Audience',
  'X-UAI-From-Cache',
  'X-Auth-Source',
  'X-Actor-Id',
  'X-Actor-Type',
  'X-API-Key-Id',
  'X-Project-Scope',
] as const

/** Headers that only the service router adds. */
export const ROUTED_HEADERS = ['X-UAI-Assertion', 'X-Service', 'X-Vendor', 'X-User-Id', 'X-User-Role'] as const

/**
 * Every header that a service trusts as set by the gateway. A proxy before a service must remove them from incoming requests: the
 * templates in `deploy/` do so, and a test compares them with this list.
 */
export const IDENTITY_HEADERS = [...RESOLVED_HEADERS, ...ROUTED_HEADERS, 'X-UAI-Error'] as const

/** The identity headers for services (docs/wire-contract.md 2.2); unknown values are empty. */
export function uaiHeaders(principal: Principal, actor: Actor): Record<(typeof RESOLVED_HEADERS)[number], string> {
  const { audience = [], clientId = '' } = boundTo(principal)
  return {
    'X-UAI-Auth-Id': actor.user_id ?? '',
    'X-UAI-Organization': actor.organization_id ?? '',
    'X-UAI-Auth-Method': methodOf(principal),
    'X-UAI-Credential-Id': actor.credential_id,
    'X-UAI-Email': encodeURI(actor.email ?? ''),
    'X-UAI-Scope': encodeURI(principal.scope.join(' ')).replaceAll('%20', ' '),
    'X-UAI-Client-Id': encodeURI(clientId),
    'X-UAI-Audience': audience.map(encodeURI).join(' '),
    'X-UAI-From-Cache': 'false',
    'X-Auth-Source': actor.auth_source,
    'X-Actor-Id': actor.actor_id ?? '',
    'X-Actor-Type': actor.actor_type,
    'X-API-Key-Id': actor.api_key_id ?? '',
    'X-Project-Scope': actor.project_scope,
  }
}
