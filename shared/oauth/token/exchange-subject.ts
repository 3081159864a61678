import { checkApiKey } from '../../access/check-api-key.ts'
import type { Call } from '../../call.ts'
import type { ActorClaim } from '../../domain/delegation.ts'
import { type Authority, exceeds } from '../../domain/derivation.ts'
import { GatewayError } from '../../errors.ts'
import { findDelegation } from '../../queries/agent-delegations.ts'
import type { Client } from '../../queries/api-clients.ts'
import type { ApiKeyFacts } from '../../queries/api-keys.ts'
import { findForService } from '../../queries/authorizations.ts'
import type { Person, SessionFacts } from '../../queries/person.ts'
import { findFamily } from '../../queries/token-families.ts'
import { readAccessTokenId } from '../../tokens/jwt.ts'
import { authenticateClient, type ClientCredentials } from './client-auth.ts'
import { parseScope } from './scope.ts'
import type { Descent } from './token-family.ts'

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
/** Lifetime, in seconds, of a token for a key that does not expire. */
const KEY_SECONDS = 86_400

/** The subject of a presented token or key, what it allows, and what it depends on. */
export type Subject = {
  person: Person
  session?: SessionFacts
  scope: string[]
  /** Undefined for an API key, which has none. */
  audience?: string[]
  actor?: ActorClaim
  mayAct?: string
  isBound: boolean
  /** Its resources, unless the client's registration decides. */
  resources?: string[]
  /** The resources that an API key is bound to. */
  boundTo?: string[]
  descent: Omit<Descent, 'allows'>
}

/** The descent of what no token precedes. */
const NO_TOKEN = { offline: true, ancestors: [], ancestorTokens: [] }

/** An unacceptable subject or actor token is an `invalid_request` (RFC 8693 section 2.2.2). */
export const unacceptable = (reason: string) =>
  new GatewayError('invalid_request', { reason, description: 'The subject or actor token is not acceptable.' })

function readMayAct(claim: unknown): string | undefined {
  return typeof claim === 'object' && claim !== null && 'sub' in claim ? String(claim.sub) : undefined
}

/**
 * Returns the person of an access token and the calling client, in one statement.
 * @throws GatewayError invalid_client, invalid_request
 */
export async function subjectOfToken(
  call: Call,
  credentials: ClientCredentials,
  token: string,
): Promise<{ client: Client; subject: Subject }> {
  const { gateway } = call
  const claims = await gateway.jwts.readAccessToken(token)
  const id = readAccessTokenId(claims?.jti)
  const { clientId, limits } = credentials
  const found = await findFamily(gateway.reads, gateway.personal, { ...id, clientId, limits })
  const client = await authenticateClient(gateway, found, credentials)
  const { family, jtiRevoked } = found
  if (!claims || !id || !family?.live || jtiRevoked) throw unacceptable('subject token is not live')
  if (!family.person) throw unacceptable('subject token of a service')
  const before = family.kind === 'delegated' ? family : undefined
  const subject: Subject = {
    person: family.person,
    session: family.session,
    scope: parseScope(String(claims.scope ?? '')) ?? [],
    audience: [claims.aud ?? []].flat(),
    actor: family.actor,
    mayAct: readMayAct(claims.may_act),
    isBound: claims.cnf !== undefined,
    descent: {
      sessionId: family.session?.id,
      apiKey: before?.apiKey,
      agentDelegation: before?.agentDelegation,
      offline: family.offline,
      ancestors: [...(before?.ancestors ?? []), family.id],
      ancestorTokens: [...(before?.ancestorTokens ?? []), id.jti],
      until: new Date((claims.exp ?? 0) * 1000),
    },
  }
  return { client, subject }
}

/** Returns the limits of a key that a token cannot carry. Audience and public-key bindings carry over to the token. */
function limitsOf({ networks, limits, service, service_scopes, binding }: ApiKeyFacts): Authority {
  const { client_id, installation_id } = binding ?? {}
  return {
    networks: networks ?? undefined,
    limits: limits ?? undefined,
    service,
    serviceScopes: service_scopes,
    binding: { client_id, installation_id },
  }
}

/**
 * Returns the person of an API key and the calling client. A key with limits on networks, uses, calls, services or caller is not
 * exchanged: a token would be wider than the key.
 * @throws GatewayError invalid_client, invalid_request, rate_limited
 */
export async function subjectOfKey(
  call: Call,
  credentials: ClientCredentials,
  presented: string,
): Promise<{ client: Client; subject: Subject }> {
  const { gateway } = call
  const asking = await findForService(gateway.reads, credentials)
  const client = await authenticateClient(gateway, asking, credentials)
  const { key, person, scope } = await checkApiKey(call, presented).catch((error: unknown) => {
    if (error instanceof GatewayError && error.status < 429) throw unacceptable(`API key: ${error.code}`)
    throw error
  })
  const unkept = exceeds({}, limitsOf(key))
  if (unkept.length > 0) throw unacceptable(`API key with limits that a token cannot carry: ${unkept.join(', ')}`)
  const until = key.expires_at === null ? Number.POSITIVE_INFINITY : new Date(key.expires_at).getTime()
  const descent: Subject['descent'] = {
    ...NO_TOKEN,
    apiKey: { id: key.id, rotations: key.rotations },
    until: new Date(Math.min(until, gateway.now().getTime() + KEY_SECONDS * 1000)),
  }
  const isBound = key.binding?.public_key_pem !== undefined || key.binding?.public_key_jwk !== undefined
  return { client, subject: { person, scope, boundTo: key.binding?.audiences, isBound, descent } }
}

/**
 * Returns the person who delegated to the calling client, by the id of the delegation, in one statement. The id is not a secret: the
 * client must authenticate.
 * @throws GatewayError invalid_client, invalid_request
 */
export async function subjectOfDelegation(
  call: Call,
  credentials: ClientCredentials,
  id: string,
): Promise<{ client: Client; subject: Subject }> {
  const { gateway } = call
  const { clientId, limits } = credentials
  const asked = { id: UUID.test(id) ? id : undefined, clientId, limits }
  const found = await findDelegation(gateway.reads, gateway.personal, asked)
  const client = await authenticateClient(gateway, found, credentials)
  const { delegation, person } = found
  if (!delegation?.live || !person?.active || delegation.clientId !== client.id)
    throw unacceptable('no live delegation to this agent')
  const { scopes: scope, resources } = delegation
  const descent: Subject['descent'] = { ...NO_TOKEN, agentDelegation: delegation.id, until: delegation.expiresAt }
  return { client, subject: { person, scope, resources, isBound: false, descent } }
}
