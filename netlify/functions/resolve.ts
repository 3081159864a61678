import * as z from 'zod/mini'
import { callerOf, permit } from '../../shared/access/admit.ts'
import {
  authenticate,
  type CredentialKind,
  type PersonPrincipal,
  type Principal,
} from '../../shared/access/authenticate.ts'
import { isCrossSite } from '../../shared/access/csrf.ts'
import { type Actor, describeActor } from '../../shared/access/describe-principal.ts'
import { insufficientScope } from '../../shared/access/insufficient-scope.ts'
import { unnamedResources } from '../../shared/access/resource.ts'
import { demandRestrictions } from '../../shared/access/restrictions.ts'
import { methodOf, uaiHeaders } from '../../shared/access/uai-headers.ts'
import { covers } from '../../shared/domain/consent.ts'
import { GatewayError } from '../../shared/errors.ts'
import { gateway } from '../../shared/gateway.ts'
import { type AppContext, createApp } from '../../shared/http/app.ts'
import { readQuery } from '../../shared/http/body.ts'
import { anything, PERSON } from '../../shared/http/operation.ts'
import { type Accepts, byProtocol } from '../../shared/http/route.ts'
import { serve } from '../../shared/http/serve.ts'
import { rememberedConsent } from '../../shared/oauth/authorize/authorize-steps.ts'
import { tokenResponse } from '../../shared/oauth/token/token-response.ts'
import { once } from '../../shared/once.ts'
import { findForApplication } from '../../shared/queries/agent-delegations.ts'
import { type Client, isStranger } from '../../shared/queries/api-clients.ts'
import { touchSession } from '../../shared/queries/sessions.ts'
import { openApplicationSession } from '../../shared/sign-in/complete.ts'
import { userOf } from '../../shared/sign-in/direct-sign-in.ts'
import * as schemas from '../openapi/schemas.ts'

const app = createApp('api', { tag: 'Verification' })
const ORDER: CredentialKind[] = ['cookie', 'bearer', 'api_key']
/** Tokens of another application go only to the recently authenticated owner, by session cookie or a token for this gateway alone. */
const OPENS_APPLICATIONS: Accepts = {
  door: 'sensitive',
  callers: ['browser', 'first_party'],
  audience: 'issuer',
  recent: 'tokens',
}
const query = once(() =>
  z.object({
    client_id: z.optional(z.string().check(z.maxLength(500))),
    uai: z.optional(z.string().check(z.maxLength(100))),
    /** The required audience of a token or key, which a proxy sends; defaults to the default resource or the account. */
    audience: z.optional(z.string().check(z.maxLength(500))),
  }),
)

/**
 * Without a requested audience, a token must be for the default resource or the account. A proxy in front of another resource sends
 * its audience.
 * @throws GatewayError invalid_token
 */
function requireUsualAudience({ family, audience = [] }: Principal): void {
  const usual = [gateway().issuer, ...(family?.defaultResources ?? [])]
  if (family && !audience.some((one) => usual.includes(one)))
    throw new GatewayError('invalid_token', { reason: 'token for another resource' })
}

async function principalOf(c: AppContext, audience?: string): Promise<Principal> {
  try {
    const principal = await authenticate(c.var.call, {
      order: ORDER,
      missing: 'auth_required',
      context: { audience },
    })
    if (audience === undefined) requireUsualAudience(principal)
    else demandRestrictions(principal, { audience })
    return principal
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error
    throw new GatewayError(error.status === 401 ? 'auth_required' : error.refusal, {
      ...error.options,
      reason: error.refusal,
      body: { success: false },
      headers: { 'X-UAI-Error': error.code },
    })
  }
}

/** A service has no UAI; it is identified by its client id. */
function describe(principal: Principal, actor: Actor) {
  const { source, credentialId } = principal
  return {
    success: true,
    authId: actor.user_id,
    organizationId: actor.organization_id,
    authMethod: methodOf(principal),
    credentialId,
    email: actor.email,
    fromCache: false,
    requestId: actor.request_id,
    authSource: source,
    actorId: actor.actor_id,
    actorType: actor.actor_type,
    ...(actor.api_key_id && { apiKeyId: actor.api_key_id }),
  }
}

/** Whether the principal has this UAI, or this pairwise identifier if the client knows people by one. */
function isNamed(principal: Principal, uai: string): boolean {
  if (principal.kind === 'service') return false
  const { alias, members } = principal.person
  return alias === undefined ? members.includes(uai) : alias === uai
}

/** Identifies the caller of a request for nginx `auth_request` and other services (docs/wire-contract.md 1.6). */
app.route('GET', '/v1/auth/resolve', {
  authority: byProtocol('subject'),
  operation: {
    summary: 'Identifies the caller in X-UAI-* headers; with client_id, also opens a session of that application',
    by: PERSON,
    query: query,
    answers: { 200: () => z.union([schemas.resolution(), schemas.openedApplication()]) },
  },
})(async (c) => {
  const { client_id: clientId, uai, audience } = readQuery(c, query())
  const principal = await principalOf(c, audience)
  if (uai !== undefined && !isNamed(principal, uai)) throw new GatewayError('uai_mismatch')
  const actor = describeActor(principal, c.var.call.request.id)
  for (const [name, value] of Object.entries(uaiHeaders(principal, actor))) c.header(name, value)
  const resolution = describe(principal, actor)
  if (clientId === undefined) return c.json(resolution)
  return c.json({ ...resolution, ...(await openApplication(c, principal, clientId)) })
})

/** Returns the default scope of the application; a token grants no scope that it lacks itself. */
function openedScope({ family, scope }: PersonPrincipal, client: Client): string[] {
  const usual = client.metadata.default_scope.split(' ').filter((one) => one !== 'offline_access')
  return family ? usual.filter((one) => scope.includes(one)) : usual
}

/**
 * Opens a session of another application for a signed-in person (single sign-on). A page of another site cannot trigger this
 * with a link.
 */
async function openApplication(c: AppContext, principal: Principal, clientId: string) {
  if (principal.kind === 'service') throw new GatewayError('access_denied', { reason: 'a service has no session' })
  const { person, session } = principal
  if (!session) throw new GatewayError('access_denied', { reason: 'an API key has no session' })
  if (isCrossSite(c.var.call)) throw new GatewayError('access_denied', { reason: 'cross-site navigation' })
  await permit(c.var.call, principal, OPENS_APPLICATIONS)
  const found = await findForApplication(gateway().reads, person.members, clientId)
  const { client, consent } = found
  if (client?.status !== 'active') throw new GatewayError('invalid_client')
  const resources = unnamedResources(gateway().issuer, client, found.resources)
  const scope = openedScope(principal, client)
  if (scope.length === 0) throw insufficientScope(callerOf(principal), client.metadata.default_scope.split(' '))
  const consented = !isStranger(client) && covers(rememberedConsent(client, consent), scope, resources)
  if (!client.first_party && !consented)
    throw new GatewayError('access_denied', { description: 'The person has not consented to this application.' })
  const { confirmation } = principal
  const from = { scopes: principal.family && principal.scope, bound: confirmation !== undefined }
  const family = await openApplicationSession(
    c.var.call,
    { person, session },
    { client, scope, resources, confirmation },
    { from, limits: gateway().limiter.of('open-application', person.uai) },
  )
  await touchSession(gateway().reads, family.grant.session.id)
  const { id_token: _none, ...tokens } = await tokenResponse(gateway(), family)
  return {
    ...tokens,
    client_id: client.client_id,
    session_id: family.grant.session.id,
    user: userOf(person, session.projectScope),
  }
}

const present = (value: string | undefined) => (value ? '[PRESENT]' : null)

app.route('GET', '/v1/auth/resolve/debug', {
  authority: byProtocol('subject'),
  operation: {
    summary: 'Shows how a request is resolved; not in production',
    by: PERSON,
    open: true,
    answers: { 200: anything },
  },
})(async (c) => {
  if (gateway().config.mode === 'production') throw new GatewayError('route_not_found')
  const principal = await principalOf(c).catch((error: unknown) => {
    if (error instanceof GatewayError && error.status === 401) return undefined
    throw error
  })
  const authorization = c.req.header('authorization')
  return c.json({
    authMethods: {
      sso_cookie: Boolean(c.req.header('cookie')?.includes('lanonasis_session=')),
      bearer_token: Boolean(authorization),
      api_key: Boolean(c.req.header('x-api-key')),
    },
    resolvedMethod: principal?.source ?? null,
    resolution: principal ? describe(principal, describeActor(principal, c.var.call.request.id)) : null,
    cacheStatus: { skipCache: true, fromCache: false },
    headers: {
      authorization: present(authorization),
      cookie: present(c.req.header('cookie')),
      'x-api-key': present(c.req.header('x-api-key')),
    },
    clientIp: c.var.call.request.clientIp ?? null,
    userAgent: c.var.call.request.userAgent ?? null,
  })
})

export default serve(app)
