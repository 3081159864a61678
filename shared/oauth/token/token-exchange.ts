import { accountAlone, registeredForms } from '../../access/resource.ts'
import { confirmationFor } from '../../access/sender-constraint.ts'
import type { Call } from '../../call.ts'
import { addActor, delegatedScope } from '../../domain/delegation.ts'
import { isBeyondRole } from '../../domain/scopes.ts'
import { GatewayError } from '../../errors.ts'
import { commit } from '../../events/commit.ts'
import type { Gateway } from '../../gateway.ts'
import type { Client } from '../../queries/api-clients.ts'
import { findFamily } from '../../queries/token-families.ts'
import { readAccessTokenId } from '../../tokens/jwt.ts'
import { TOKEN_EXCHANGE } from '../clients/grant-types.ts'
import type { ClientCredentials } from './client-auth.ts'
import { type Subject, subjectOfDelegation, subjectOfKey, subjectOfToken, unacceptable } from './exchange-subject.ts'
import { askedScope } from './scope.ts'
import { startDelegatedFamily } from './token-family.ts'
import { accessTokenSeconds, type DelegatedGrant, type StartedFamily } from './token-response.ts'

export const ACCESS_TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:access_token'
const JWT_TYPE = 'urn:ietf:params:oauth:token-type:jwt'
/** Our own type: an API key as the subject. */
const API_KEY_TYPE = 'urn:lanonasis:params:oauth:token-type:api_key'
/** Our own type: the id of a person's delegation to the calling agent. */
const AGENT_DELEGATION_TYPE = 'urn:lanonasis:params:oauth:token-type:agent_delegation'
const FINDERS = new Map([
  [ACCESS_TOKEN_TYPE, subjectOfToken],
  [JWT_TYPE, subjectOfToken],
  [API_KEY_TYPE, subjectOfKey],
  [AGENT_DELEGATION_TYPE, subjectOfDelegation],
])
const isAccessToken = (type: string) => type === ACCESS_TOKEN_TYPE || type === JWT_TYPE

type ExchangeParameters = {
  subject_token?: string
  subject_token_type?: string
  actor_token?: string
  actor_token_type?: string
  requested_token_type?: string
  scope?: string
  resource?: string[]
  audience?: string[]
}

const wrong = (field: string, message: string) =>
  new GatewayError('invalid_request', { details: { [field]: [message] }, description: `${field} ${message}.` })

function checkParameters(params: ExchangeParameters) {
  const { subject_token: token, subject_token_type: type, actor_token, actor_token_type } = params
  if (!token) throw wrong('subject_token', 'is required')
  if (!type) throw wrong('subject_token_type', 'is required')
  const find = FINDERS.get(type)
  if (!find) throw wrong('subject_token_type', 'is not supported')
  const requested = params.requested_token_type
  if (requested !== undefined && !isAccessToken(requested)) throw wrong('requested_token_type', 'is not supported')
  if ((actor_token === undefined) !== (actor_token_type === undefined))
    throw wrong('actor_token_type', 'and actor_token require each other')
  if (actor_token_type !== undefined && !isAccessToken(actor_token_type))
    throw wrong('actor_token_type', 'is not supported')
  return { token, type, find }
}

/** An actor token is optional. It must belong to the calling client. */
async function checkActor(gateway: Gateway, client: Client, actorToken: string | undefined): Promise<void> {
  if (actorToken === undefined) return
  const claims = await gateway.jwts.readAccessToken(actorToken)
  const id = readAccessTokenId(claims?.jti)
  if (!id || claims?.sub !== client.client_id) throw unacceptable('actor token of another client')
  const { family, jtiRevoked } = await findFamily(gateway.reads, gateway.personal, id)
  if (!family?.live || jtiRevoked) throw unacceptable('actor token is not live')
}

/** Returns the requested resources, or the only available one. @throws GatewayError invalid_target */
function exchangedResources(
  { issuer }: Gateway,
  { metadata }: Client,
  subject: Subject,
  { resource = [], audience = [] }: ExchangeParameters,
): string[] {
  const registered = subject.resources ?? metadata.exchange_resources ?? []
  const { boundTo = [] } = subject
  const allowed = boundTo.length > 0 ? registered.filter((one) => boundTo.includes(one)) : registered
  const asked = [...resource, ...audience]
  if (asked.length > 0) return accountAlone(issuer, registeredForms(allowed, asked))
  if (allowed.length !== 1) throw new GatewayError('invalid_target')
  return allowed
}

/**
 * Issues a token with which a service acts for the person of a presented token or API key, or an agent for the person who delegated to
 * it. Its resources are those of the registration or the delegation. It is never wider or longer-lived than its subject, and ends with
 * everything that it was derived from.
 * @throws GatewayError invalid_request, invalid_client, unauthorized_client, invalid_scope, invalid_target, invalid_dpop_proof
 * @see RFC 8693 section 2
 */
export async function exchangeToken(
  call: Call,
  credentials: ClientCredentials,
  params: ExchangeParameters,
): Promise<StartedFamily<DelegatedGrant>> {
  const { gateway } = call
  const { token, type, find } = checkParameters(params)
  const { client, subject } = await find(call, credentials, token)
  const { metadata } = client
  const isAgent = subject.descent.agentDelegation !== undefined && type === AGENT_DELEGATION_TYPE
  const mayExchange = isAgent || metadata.grant_types.includes(TOKEN_EXCHANGE)
  if (!mayExchange || metadata.token_endpoint_auth_method === 'none') throw new GatewayError('unauthorized_client')
  const { audience } = subject
  if (audience && !metadata.resources?.some((one) => audience.includes(one)))
    throw unacceptable('subject token for another resource')
  if (subject.mayAct !== undefined && subject.mayAct !== client.client_id) throw unacceptable('may_act names another')
  await checkActor(gateway, client, params.actor_token)
  const resources = exchangedResources(gateway, client, subject, params)
  const asked = askedScope(params.scope)
  // The person alone decides the scope of an agent; the scope of a service is also limited by its registration.
  const allowed = isAgent ? subject.scope : metadata.scope.split(' ')
  const held = subject.scope.filter((one) => !isBeyondRole(subject.person.role, one))
  const scope = delegatedScope({ held, allowed, asked })
  if (!scope) throw new GatewayError('invalid_scope')
  const actor = addActor(client.client_id, subject.actor)
  if (!actor) throw unacceptable('chain of actors is too long')
  const confirmation = await confirmationFor(call, client)
  if (subject.isBound && !confirmation) throw unacceptable('a bound token can only be exchanged for a bound one')
  return commit(call, async (work) => {
    const now = gateway.now()
    const latest = now.getTime() + accessTokenSeconds(gateway, client) * 1000
    const until = new Date(Math.min(subject.descent.until.getTime(), latest))
    const { person, session, descent } = subject
    work.correlationId = descent.ancestors[0] ?? descent.apiKey?.id ?? work.correlationId
    const grant = { client, person, session, scope, resources, confirmation, actor }
    const allows = {
      scopes: held,
      resources: subject.resources,
      expiresAt: descent.until.toISOString(),
      bound: subject.isBound,
    }
    return startDelegatedFamily(work, grant, { ...descent, until, allows }, now)
  })
}
