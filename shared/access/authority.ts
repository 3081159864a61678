import { satisfies } from '../domain/scopes.ts'
import type { Work } from '../events/commit.ts'
import type { Gateway } from '../gateway.ts'
import type { PersonPrincipal, Principal } from './authenticate.ts'
import { insufficientScope } from './insufficient-scope.ts'

/** Tokens of our own applications with one of these act with all that their person has. */
const WHOLE = ['write', 'api-keys:write', 'api_keys:manage']

/** The scopes a person has through this credential; undefined for all that the person has. */
export function ceilingOf({ source, family, scope }: PersonPrincipal): string[] | undefined {
  if (source === 'sso_session' || family?.kind === 'session') return undefined
  return family?.kind === 'authorization' && family.client.first_party && scope.some((one) => WHOLE.includes(one))
    ? undefined
    : scope
}

/**
 * Our own applications and the browser act for their person; an API key, or an application of somebody else, needs the scope.
 * @throws GatewayError insufficient_scope
 */
export function demandScope(principal: PersonPrincipal, needed: string): void {
  const { source, family, scope } = principal
  const own =
    source === 'sso_session' || (source === 'oauth_token' && family?.kind !== 'delegated' && family?.client.first_party)
  if (!own && !satisfies(scope, needed)) throw insufficientScope(principal.apiKey ? 'api_key' : 'application', [needed])
}

/** Whether a credential is for this gateway alone: a browser session, or a token without another audience (RFC 8707 section 2). */
export function isForGatewayAlone({ issuer }: Gateway, { family, audience = [] }: Principal): boolean {
  return !family || (audience.length > 0 && audience.every((one) => one === issuer))
}

/** Names the person, and the credential they act with, as the actor. */
export function actAs(work: Work, { person, session, family, apiKey }: PersonPrincipal): void {
  work.actor = {
    type: 'person',
    id: person.uai,
    clientId: family?.client.client_id,
    sessionId: session?.id,
    credentialId: apiKey?.key.id,
  }
}
