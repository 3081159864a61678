import { satisfies } from '../../packages/auth-server/src/scope.ts'
import { type CommitContext, commit, type Work } from '../events/commit.ts'
import type { Gateway } from '../gateway.ts'
import type { PersonPrincipal, Principal } from './authenticate.ts'
import { insufficientScope } from './insufficient-scope.ts'

/** First-party tokens with one of these scopes have all of their person's access. */
const WHOLE = ['write', 'api-keys:write', 'api_keys:manage']

/** The scopes that a person has through this credential; undefined for no limit. */
export function ceilingOf({ source, family, scope }: PersonPrincipal): string[] | undefined {
  if (source === 'sso_session' || family?.kind === 'session') return undefined
  return family?.kind === 'authorization' && family.client.first_party && scope.some((one) => WHOLE.includes(one))
    ? undefined
    : scope
}

/**
 * Requires a scope of API keys and third-party applications; the browser and first-party applications need none.
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

/** Names the person, and the credential they act with, or the service as the actor. */
export function actAs(work: Work, principal: Principal): void {
  if (principal.kind === 'service') {
    const { client_id } = principal.client
    work.actor = { type: 'service', id: client_id, clientId: client_id }
    return
  }
  const { person, session, family, apiKey } = principal
  work.actor = {
    type: 'person',
    id: person.uai,
    clientId: family?.client.client_id,
    sessionId: session?.id,
    credentialId: apiKey?.key.id,
  }
}

/** Runs a unit of work in which a person acts. @throws GatewayError as `commit` */
export const commitAs = <T>(
  context: CommitContext,
  principal: PersonPrincipal,
  block: (work: Work) => Promise<T>,
): Promise<T> =>
  commit(context, async (work) => {
    actAs(work, principal)
    return block(work)
  })
