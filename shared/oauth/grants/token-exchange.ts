import { satisfies } from '../../domain/scopes.ts'
import { GatewayError } from '../../errors.ts'
import { commit } from '../../events/commit.ts'
import { commitContext, type Gateway } from '../../gateway.ts'
import type { AppContext } from '../../http/app.ts'
import { checkApiKey } from '../../identity/check-api-key.ts'
import type { Client } from '../../queries/api-clients.ts'
import type { Person, SessionFacts } from '../../queries/person.ts'
import { type ActorClaim, findFamily } from '../../queries/token-families.ts'
import { authenticateClient, type ClientCredentials, secretLimits } from '../client-auth.ts'
import { TOKEN_EXCHANGE } from '../grant-types.ts'
import { registeredForms } from '../resource.ts'
import { parseScope } from '../scope.ts'
import { confirmationFor } from '../sender-constraint.ts'
import { type Descent, type StartedFamily, startDelegatedFamily } from '../token-family.ts'
import { accessTokenSeconds, type DelegatedGrant, familyOfAccessToken } from '../token-response.ts'

export const ACCESS_TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:access_token'
const JWT_TYPE = 'urn:ietf:params:oauth:token-type:jwt'
/** Our own: an API key as the subject. */
const API_KEY_TYPE = 'urn:lanonasis:params:oauth:token-type:api_key'
const SUBJECT_TYPES = [ACCESS_TOKEN_TYPE, JWT_TYPE, API_KEY_TYPE]
/** Services in one chain; more says that something goes round in circles. */
const LONGEST_CHAIN = 4

export type ExchangeParameters = {
  subject_token?: string
  subject_token_type?: string
  actor_token?: string
  actor_token_type?: string
  requested_token_type?: string
  scope?: string
  resource?: string[]
  audience?: string[]
}

/** Whom a presented token or key stands for, what it allows, and what it depends on. */
type Subject = {
  person: Person
  session?: SessionFacts
  scope: string[]
  /** Undefined for an API key, which names none. */
  audience?: string[]
  actor?: ActorClaim
  mayAct?: string
  isBound: boolean
  descent: Descent
}

const wrong = (field: string, message: string) =>
  new GatewayError('invalid_request', { details: { [field]: [message] }, description: `${field} ${message}.` })
const refused = (reason: string) => new GatewayError('invalid_grant', { reason })

function checkParameters(params: ExchangeParameters): { token: string; type: string } {
  const { subject_token: token, subject_token_type: type, actor_token, actor_token_type } = params
  if (!token) throw wrong('subject_token', 'is required')
  if (!type) throw wrong('subject_token_type', 'is required')
  if (!SUBJECT_TYPES.includes(type)) throw wrong('subject_token_type', 'is not supported')
  const requested = params.requested_token_type
  if (requested !== undefined && requested !== ACCESS_TOKEN_TYPE && requested !== JWT_TYPE)
    throw wrong('requested_token_type', 'is not supported')
  if ((actor_token === undefined) !== (actor_token_type === undefined))
    throw wrong('actor_token_type', 'and actor_token need each other')
  if (actor_token_type !== undefined && actor_token_type !== ACCESS_TOKEN_TYPE && actor_token_type !== JWT_TYPE)
    throw wrong('actor_token_type', 'is not supported')
  return { token, type }
}

/** The actor may prove itself once more by a token of its own; it must be the client that asks. */
async function checkActor(gateway: Gateway, client: Client, actorToken: string | undefined): Promise<void> {
  if (actorToken === undefined) return
  const claims = await gateway.jwts.readAccessToken(actorToken)
  const familyId = claims?.jti && familyOfAccessToken(claims.jti)
  if (!familyId || claims.sub !== client.client_id) throw refused('actor token of somebody else')
  const { family, jtiRevoked } = await findFamily(gateway.reads, gateway.personal, { familyId, jti: claims.jti })
  if (!family?.live || jtiRevoked) throw refused('actor token is not live')
}

function readMayAct(claim: unknown): string | undefined {
  return typeof claim === 'object' && claim !== null && 'sub' in claim ? String(claim.sub) : undefined
}

async function tokenSubject(
  gateway: Gateway,
  c: AppContext,
  credentials: ClientCredentials,
  token: string,
): Promise<{ client: Client; subject: Subject }> {
  const limits = secretLimits(gateway.limiter, c, credentials)
  const claims = await gateway.jwts.readAccessToken(token)
  const familyId = claims?.jti && familyOfAccessToken(claims.jti)
  const found = await findFamily(gateway.reads, gateway.personal, {
    familyId,
    jti: claims?.jti,
    clientId: credentials.clientId,
    limits,
  })
  const client = await authenticateClient(gateway, found.client, credentials, { wait: found.wait, onFailure: limits })
  const { family, jtiRevoked } = found
  if (!claims?.jti || !family?.live || jtiRevoked) throw refused('subject token is not live')
  if (!family.person) throw refused('subject token of a service')
  const before = family.kind === 'delegated' ? family : { apiKey: undefined, ancestors: [], ancestorTokens: [] }
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
      apiKey: before.apiKey,
      offline: family.offline,
      ancestors: [...before.ancestors, family.id],
      ancestorTokens: [...before.ancestorTokens, claims.jti],
      until: new Date((claims.exp ?? 0) * 1000),
    },
  }
  return { client, subject }
}

async function keySubject(
  gateway: Gateway,
  c: AppContext,
  credentials: ClientCredentials,
  presented: string,
): Promise<{ client: Client; subject: Subject }> {
  const limits = secretLimits(gateway.limiter, c, credentials)
  const asking = await findFamily(gateway.reads, gateway.personal, { clientId: credentials.clientId, limits })
  const client = await authenticateClient(gateway, asking.client, credentials, { wait: asking.wait, onFailure: limits })
  const { key, person, scope } = await checkApiKey(gateway, c, presented).catch((error: unknown) => {
    if (error instanceof GatewayError && error.status < 429) throw refused(`API key: ${error.code}`)
    throw error
  })
  const until = key.expires_at === null ? Number.POSITIVE_INFINITY : new Date(key.expires_at).getTime()
  const descent: Descent = {
    apiKey: { id: key.id, rotations: key.rotations },
    offline: true,
    ancestors: [],
    ancestorTokens: [],
    until: new Date(Math.min(until, Date.now() + 86_400_000)),
  }
  return { client, subject: { person, scope, isBound: false, descent } }
}

/** The chain of actors with this client at its head (RFC 8693 section 4.1). */
function chainOf(client: Client, before: ActorClaim | undefined): ActorClaim {
  let length = 1
  for (let actor = before; actor; actor = actor.act) length += 1
  if (length > LONGEST_CHAIN) throw refused('chain of actors is too long')
  return { sub: client.client_id, ...(before && { act: before }) }
}

/** Never wider than the subject's token, never wider than the client. @throws GatewayError invalid_scope */
function exchangedScope(client: Client, subject: Subject, asked: string | undefined): string[] {
  const allowed = client.metadata.scope.split(' ')
  const may = (one: string) => satisfies(subject.scope, one) && satisfies(allowed, one)
  const most = [...new Set([...subject.scope, ...allowed])].filter(may)
  const scope = asked === undefined ? most : parseScope(asked)
  if (!scope || scope.length === 0 || !scope.every(may)) throw new GatewayError('invalid_scope')
  return scope
}

/** Where the new token is for: what was asked, or the only one there is. @throws GatewayError invalid_target */
function exchangedResources({ metadata }: Client, { resource = [], audience = [] }: ExchangeParameters): string[] {
  const allowed = metadata.exchange_resources ?? []
  const asked = [...resource, ...audience]
  if (asked.length > 0) return registeredForms(allowed, asked)
  if (allowed.length !== 1) throw new GatewayError('invalid_target')
  return allowed
}

/**
 * A token with which a service acts for the person of a token, or API key, that was presented to it: for resources its
 * registration lists, never wider, never longer, and dead as soon as anything it came from is.
 * @throws GatewayError invalid_request, invalid_client, unauthorized_client, invalid_grant, invalid_scope, invalid_target,
 *   invalid_dpop_proof
 * @see RFC 8693 section 2
 */
export async function exchangeToken(
  gateway: Gateway,
  c: AppContext,
  credentials: ClientCredentials,
  params: ExchangeParameters,
): Promise<StartedFamily<DelegatedGrant>> {
  const { token, type } = checkParameters(params)
  const find = type === API_KEY_TYPE ? keySubject : tokenSubject
  const { client, subject } = await find(gateway, c, credentials, token)
  const { metadata } = client
  if (!metadata.grant_types.includes(TOKEN_EXCHANGE) || metadata.token_endpoint_auth_method === 'none')
    throw new GatewayError('unauthorized_client')
  const { audience } = subject
  if (audience && !metadata.resources?.some((one) => audience.includes(one)))
    throw refused('subject token for another resource')
  if (subject.mayAct !== undefined && subject.mayAct !== client.client_id) throw refused('may_act names another')
  await checkActor(gateway, client, params.actor_token)
  const resources = exchangedResources(client, params)
  const scope = exchangedScope(client, subject, params.scope)
  const actor = chainOf(client, subject.actor)
  const confirmation = await confirmationFor(gateway, c, client)
  if (subject.isBound && !confirmation) throw refused('a bound token is only exchanged into a bound one')
  return commit(commitContext(gateway, c), async (work) => {
    const now = new Date()
    const latest = now.getTime() + accessTokenSeconds(gateway, client) * 1000
    const until = new Date(Math.min(subject.descent.until.getTime(), latest))
    const { person, session, descent } = subject
    work.correlationId = descent.ancestors[0] ?? descent.apiKey?.id ?? work.correlationId
    const wanted = { client, person, session, scope, resources, confirmation, actor }
    return startDelegatedFamily(work, wanted, { ...descent, until }, now)
  })
}
