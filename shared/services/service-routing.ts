import type { PersonPrincipal } from '../access/authenticate.ts'
import { describeActor } from '../access/describe-principal.ts'
import { type RESOLVED_HEADERS, type ROUTED_HEADERS, uaiHeaders } from '../access/uai-headers.ts'
import type { Call } from '../call.ts'
import { newId } from '../ids.ts'

const VENDOR = 'lanonasis'
const ASSERTION_SECONDS = 60

type ServiceHeader = (typeof RESOLVED_HEADERS | typeof ROUTED_HEADERS)[number] | 'X-Request-ID'

/**
 * Returns the URL at a service; undefined for a path that could lead elsewhere: it must stay below the operator's base URL, without dot
 * segments or encoded slashes.
 */
export function serviceAddress(upstream: string | undefined, rest: string, search: string): URL | undefined {
  if (!upstream || !URL.canParse(upstream)) return undefined
  if (rest !== '' && !rest.startsWith('/')) return undefined
  if (/%2f|%5c|%00|\\|;/i.test(rest) || /(^|\/)(\.|%2e){1,2}(\/|$)/i.test(rest)) return undefined
  const base = new URL(upstream)
  const to = new URL(`${base.origin}${base.pathname.replace(/\/$/, '')}${rest}${search}`)
  return to.origin === base.origin && !to.username ? to : undefined
}

/**
 * Returns headers that identify the caller to the service (docs/wire-contract.md 2.2), and the same as a short-lived assertion signed by
 * the gateway, with the service's origin as `aud`.
 */
export async function toServiceHeaders(
  call: Call,
  principal: PersonPrincipal,
  { service, audience }: { service: string; audience: string },
): Promise<Record<ServiceHeader, string>> {
  const { person, credentialId, projectScope, scope } = principal
  const requestId = call.request.id
  const now = Math.floor(call.now().getTime() / 1000)
  const assertion = await call.gateway.jwts.serviceAssertion({
    sub: person.uai,
    aud: audience,
    iat: now,
    exp: now + ASSERTION_SECONDS,
    jti: newId(),
    organization_id: person.organizationId,
    scope: scope.join(' '),
  })
  return {
    ...uaiHeaders(principal, describeActor(principal, requestId)),
    'X-UAI-Auth-Id': person.uai,
    'X-UAI-Credential-Id': credentialId,
    'X-UAI-Assertion': assertion,
    'X-Service': service,
    'X-Vendor': VENDOR,
    'X-User-Id': person.uai,
    'X-User-Role': person.role,
    'X-Project-Scope': projectScope,
    'X-Request-ID': requestId,
  }
}
