import type { Principal } from './authenticate.ts'

const seconds = (at: Date | undefined) => (at ? Math.floor(at.getTime() / 1000) : undefined)

/** What first-party services learn of a principal at `verify` (wire-contract 1.4). */
export function describePrincipal(principal: Principal) {
  const { scope, expiresAt, projectScope, platform, credentialId, confirmation } = principal
  const common = {
    project_scope: projectScope,
    platform,
    scope: scope.join(' '),
    auth_source: principal.source,
    credential_id: credentialId,
    exp: seconds(expiresAt),
    cnf: confirmation,
  }
  if (principal.kind === 'service') {
    const { client_id } = principal.client
    return { id: client_id, sub: client_id, client_id, actor_type: 'service', role: 'service', ...common }
  }
  const { person, session, family, apiKey } = principal
  return {
    id: person.uai,
    sub: person.uai,
    uai: person.uai,
    email: person.email,
    role: person.role,
    plan: person.plan,
    organization_id: person.organizationId,
    actor_type: 'user',
    client_id: family?.client.client_id,
    session_id: session?.id,
    api_key_id: apiKey?.key.id,
    permissions: apiKey ? scope : undefined,
    act: family?.actor,
    ...common,
  }
}

/** The same as the introspection of wire-contract 1.4 has it. */
export function describeActor(principal: Principal, requestId: string) {
  const { scope, expiresAt, projectScope, credentialId, issuedAt } = principal
  const service = principal.kind === 'service'
  return {
    actor_id: service ? principal.client.client_id : principal.person.uai,
    actor_type: service ? 'service' : 'user',
    user_id: service ? null : principal.person.uai,
    organization_id: service ? null : principal.person.organizationId,
    project_scope: projectScope,
    api_key_id: (!service && principal.apiKey?.key.id) || null,
    auth_source: principal.source,
    request_id: requestId,
    credential_id: credentialId,
    email: service ? null : principal.person.email,
    scopes: scope,
    issued_at: issuedAt?.toISOString() ?? null,
    expires_at: expiresAt?.toISOString(),
  }
}
