import * as z from 'zod/mini'
import { GatewayError } from '../../shared/errors.ts'
import { gateway } from '../../shared/gateway.ts'
import { type AppContext, createApp } from '../../shared/http/app.ts'
import { readBody } from '../../shared/http/body.ts'
import { toGatewayError } from '../../shared/http/render-error.ts'
import { byProtocol } from '../../shared/http/route.ts'
import { serve } from '../../shared/http/serve.ts'
import {
  authenticate,
  type CredentialKind,
  type Principal,
  presentedApiKey,
  principalOf,
} from '../../shared/identity/authenticate.ts'
import { checkApiKey } from '../../shared/identity/check-api-key.ts'
import { describeActor, describePrincipal } from '../../shared/identity/describe-principal.ts'
import { projectScope } from '../../shared/identity/project-scope.ts'
import { forwardedParameters, forwardedProof } from '../../shared/oauth/forwarded-proof.ts'
import { once } from '../../shared/once.ts'

const app = createApp('api')

const name = once(() => z.optional(z.string().check(z.maxLength(500))))
const scopes = once(() =>
  z.pipe(
    z.union([z.array(z.string().check(z.maxLength(200))).check(z.maxLength(50)), z.string().check(z.maxLength(2000))]),
    z.transform((given: string | string[]) => (typeof given === 'string' ? given.split(' ').filter(Boolean) : given)),
  ),
)
/** What the credential is checked for, all of it optional: a service, an action, scopes, and the request a resource server got. */
export const contextBody = once(() =>
  z.object({
    service: name(),
    action: name(),
    scope: z.optional(scopes()),
    method: name(),
    path: name(),
    audience: name(),
    client_id: name(),
    installation_id: name(),
    client_ip: name(),
    ...forwardedParameters(),
  }),
)

/** A 401 or 403 that says in the old words that it is a no. */
async function orInvalid<T>(work: Promise<T>, body: object = {}): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (!(error instanceof GatewayError) || (error.status !== 401 && error.status !== 403)) throw error
    const options = { ...error.options, description: error.message }
    throw new GatewayError(error.refusal, { ...options, body: { valid: false, ...body } })
  }
}

/** First-party yes or no, for any credential (wire-contract 1.4): members both in `payload` and at the top. */
async function verify(c: AppContext) {
  const context = c.req.method === 'POST' ? await readBody(c, contextBody()) : {}
  const forwarded = forwardedProof(context)
  const payload = describePrincipal(await orInvalid(authenticate(gateway(), c, { context, forwarded })))
  return c.json({ valid: true, payload, ...payload })
}

app.route('POST', '/v1/auth/verify', { authority: byProtocol('subject') }, verify)
app.route('GET', '/v1/auth/verify', { authority: byProtocol('subject') }, verify)
app.route('GET', '/auth/validate', { authority: byProtocol('subject') }, verify)
app.route('POST', '/auth/validate', { authority: byProtocol('subject') }, verify)

/** An API key and what it may do (wire-contract 1.4). */
app.route('POST', '/v1/auth/verify-api-key', { authority: byProtocol('subject') }, async (c) => {
  const presented = presentedApiKey(c)
  if (!presented) throw new GatewayError('api_key_missing', { body: { valid: false } })
  const context = await readBody(c, contextBody())
  const { key, person, scope, service, binding, remainingUses } = await orInvalid(
    checkApiKey(gateway(), c, presented, context),
    { reason: 'The key was not accepted.' },
  )
  return c.json({
    valid: true,
    userId: person.uai,
    organizationId: key.organization_id,
    keyId: key.id,
    projectScope: projectScope(c.req.header('x-project-scope')),
    keyContext: key.key_context,
    accessLevel: key.access_level,
    permissions: scope,
    service: key.service,
    services: key.service_scopes,
    ...(service && { serviceScope: service }),
    binding: { status: binding, client_id: key.binding?.client_id },
    expiresAt: key.expires_at && new Date(key.expires_at).toISOString(),
    ...(remainingUses !== undefined && { remainingUses }),
    message: 'The API key is valid.',
  })
})

export const tokenBody = once(() =>
  z.object({ token: z.optional(z.string().check(z.maxLength(8000))), ...forwardedParameters() }),
)

/** Both verdicts are 200; trouble of our own is 5xx, never `valid: false` (wire-contract 5.9). */
app.route('POST', '/v1/auth/verify-token', { authority: byProtocol('subject') }, async (c) => {
  const { token, ...proof } = await readBody(c, tokenBody())
  if (!token) throw new GatewayError('missing_token', { body: { valid: false } })
  try {
    const principal = await principalOf(gateway(), c, token, { forwarded: forwardedProof(proof) })
    const { id, email, role, scope, client_id } = { email: null, ...describePrincipal(principal) }
    return c.json({
      valid: true,
      type: typeOf(principal),
      user: { id, email, role },
      scope,
      client_id,
      expires_at: principal.expiresAt?.toISOString(),
    })
  } catch (error) {
    if (!(error instanceof GatewayError) || error.status >= 500 || error.status === 429) throw error
    return c.json({ valid: false, error: error.message, code: error.code })
  }
})

function typeOf(principal: Principal): string {
  if (principal.source === 'api_key' || principal.source === 'vendor_key') return 'api_key'
  return principal.kind === 'person' && principal.family?.kind === 'session' ? 'jwt' : 'oauth_access_token'
}

const KIND_OF_TYPE: Record<string, CredentialKind> = {
  api_key: 'api_key',
  vendor_key: 'api_key',
  jwt: 'bearer',
  bearer: 'bearer',
  oauth_token: 'bearer',
  session: 'cookie',
}
export const introspectBody = once(() =>
  z.object({
    ...contextBody().shape,
    credential: z.optional(z.string().check(z.maxLength(8000))),
    token: z.optional(z.string().check(z.maxLength(8000))),
    token_type_hint: name(),
    type: name(),
    project_scope: name(),
    platform: name(),
  }),
)

/** The code and status that introspection gives for a refusal (wire-contract 1.4). */
function introspectionError(error: GatewayError, asked: { type?: string }) {
  if (asked.type !== undefined && asked.type !== 'auto' && !KIND_OF_TYPE[asked.type])
    return ['unsupported_auth_method', 401] as const
  if (error.refusal === 'project_scope_invalid') return ['unauthorized_project_scope', 403] as const
  if (error.status >= 500) return ['gateway_unavailable', 503] as const
  if (error.refusal === 'session_invalid') return ['expired_credential', 401] as const
  return error.status === 400 ? (['invalid_request', 400] as const) : (['invalid_credential', 401] as const)
}

/** OAuth clients ask here as at `/oauth/introspect`, with a token and nothing else, and expect 200 for both verdicts (wire-contract 7.24). */
function asksAsOauth(c: AppContext, body: z.infer<ReturnType<typeof introspectBody>>): boolean {
  const { token, token_type_hint: _hint, ...rest } = body
  return new URL(c.req.url).pathname.startsWith('/api/') && token !== undefined && Object.keys(rest).length === 0
}

/** Any credential, in the body or on the request: who it is (wire-contract 1.4), with the members of RFC 7662 beside. */
app.route('POST', '/v1/auth/introspect', { authority: byProtocol('subject') }, async (c) => {
  const body = await readBody(c, introspectBody())
  const { type = 'auto', project_scope: asked, client_id: clientId, audience } = body
  try {
    const kind = KIND_OF_TYPE[type]
    if (type !== 'auto' && !kind) throw new GatewayError('invalid_request', { reason: 'type' })
    const given = body.credential ?? body.token
    const forwarded = forwardedProof(body)
    const principal = given
      ? await principalOf(gateway(), c, given, { kind, context: body, forwarded })
      : await authenticate(gateway(), c, { context: body, forwarded, missing: 'invalid_request' })
    if (asked && projectScope(asked) !== asked) throw new GatewayError('project_scope_invalid')
    const isToken = principal.source === 'oauth_token' || principal.source === 'service_token'
    if (isToken && clientId && principal.family?.client.client_id !== clientId) throw new GatewayError('invalid_token')
    if (isToken && audience && !principal.audience?.includes(audience)) throw new GatewayError('invalid_token')
    const identity = { ...describeActor(principal, c.get('requestId')), ...(asked && { project_scope: asked }) }
    return c.json({ valid: true, identity, error: null, active: true, ...describePrincipal(principal) })
  } catch (thrown) {
    const error = toGatewayError(thrown)
    if (error.status === 429) throw error
    c.set('refused', error)
    const [code, status] = introspectionError(error, body)
    const retryable = status === 503
    return c.json(
      { valid: false, active: false, identity: null, error: { code, message: error.message, retryable } },
      asksAsOauth(c, body) && !retryable ? 200 : status,
    )
  }
})

export default serve(app)
