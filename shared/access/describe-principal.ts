import type { Principal } from './authenticate.ts'

/** The audience and client of a credential, where it has them; for an API key, those of its binding. */
export function boundTo({ audience, ...principal }: Principal): { audience?: string[]; clientId?: string } {
  const binding = principal.kind === 'person' ? principal.apiKey?.key.binding : undefined
  return {
    audience: audience ?? binding?.audiences,
    clientId: principal.family?.client.client_id ?? binding?.client_id,
  }
}

const seconds = (at: Date | undefined) => (at ? Math.floor(at.getTime() / 1000) : undefined)

/** The principal as `verify` returns it to first-party services (docs/wire-contract.md 1.4). */
export function describePrincipal(principal: Principal) {
  const { scope, expiresAt, projectScope, platform, credentialId, confirmation } = principal
  const { audience, clientId } = boundTo(principal)
  const common = {
    project_scope: projectScope,
    platform,
    scope: scope.join(' '),
    aud: audience?.length === 1 ? audience[0] : audience,
    client_id: clientId,
    auth_source: principal.source,
    credential_id: credentialId,
    exp: seconds(expiresAt),
    cnf: confirmation,
  }
  if (principal.kind === 'service') {
    const { client_id } = principal.client
    return { id: client_id, sub: client_id, actor_type: 'service', role: 'service', ...common }
  }
  const { person, session, family, apiKey } = principal
  return {
    id: person.alias ?? person.uai,
    sub: person.alias ?? person.uai,
    uai: person.alias ? undefined : person.uai,
    email: person.email,
    role: person.role,
    plan: person.plan,
    organization_id: person.alias ? undefined : person.organizationId,
    actor_type: 'user',
    session_id: person.alias ? undefined : session?.id,
    api_key_id: apiKey?.key.id,
    permissions: apiKey ? scope : undefined,
    act: family?.actor,
    ...common,
  }
}

/** The principal as introspection returns it (docs/wire-contract.md 1.4). */
export function describeActor(principal: Principal, requestId: string) {
  const { scope, expiresAt, projectScope, credentialId, issuedAt } = principal
  const service = principal.kind === 'service'
  const person = service ? undefined : principal.person
  const subject = person?.alias ?? person?.uai
  return {
    actor_id: service ? principal.client.client_id : subject,
    actor_type: service ? 'service' : 'user',
    user_id: subject ?? null,
    organization_id: person && !person.alias ? person.organizationId : null,
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

export type Actor = ReturnType<typeof describeActor>
