import * as z from 'zod/mini'
import {
  authenticate,
  type CredentialKind,
  type Principal,
  presentedApiKey,
  principalOf,
} from '../../shared/access/authenticate.ts'
import { checkApiKey } from '../../shared/access/check-api-key.ts'
import { describeActor, describePrincipal } from '../../shared/access/describe-principal.ts'
import { projectScope } from '../../shared/access/project-scope.ts'
import { actionAlone, demandRestrictions, restrictionParameters } from '../../shared/access/restrictions.ts'
import { forwardedParameters, forwardedProof } from '../../shared/access/sender-constraint.ts'
import { GatewayError } from '../../shared/errors.ts'
import { type AppContext, createApp } from '../../shared/http/app.ts'
import { readNamed } from '../../shared/http/body.ts'
import { type Operation, PERSON } from '../../shared/http/operation.ts'
import { toGatewayError } from '../../shared/http/render-error.ts'
import { byProtocol } from '../../shared/http/route.ts'
import { serve } from '../../shared/http/serve.ts'
import { once } from '../../shared/once.ts'
// Registers the gateway; nothing else of its module is used here.
import '../../shared/gateway.ts'
import * as schemas from '../openapi/schemas.ts'

const app = createApp('api', { tag: 'Verification' })

const name = once(() => z.optional(z.string().check(z.maxLength(500))))
/** Optional restrictions that the credential is checked for, and the request that a resource server received. */
const contextBody = once(() =>
  z.object({
    ...restrictionParameters(),
    method: name(),
    path: name(),
    client_ip: name(),
    ...forwardedParameters(),
  }),
)

/** `true` refuses unknown members instead of listing them in `ignored`. */
const strictQuery = once(() => z.object({ strict: z.optional(z.enum(['true', 'false'])) }))

/** Lists the unused members in the response, if any. */
const remark = (ignored: string[]) => (ignored.length > 0 ? { ignored } : {})

/** Adds `valid: false` to a 401 or 403, as existing clients expect. */
async function orInvalid<T>(work: Promise<T>, body: object = {}): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (!(error instanceof GatewayError) || (error.status !== 401 && error.status !== 403)) throw error
    const options = { ...error.options, description: error.message }
    throw new GatewayError(error.refusal, { ...options, body: { valid: false, ...body } })
  }
}

/** Verifies any credential (docs/wire-contract.md 1.4); members are both in `payload` and at the top level. */
async function verify(c: AppContext) {
  const { values: context, ignored } = await readNamed(c, contextBody())
  const restricted = async () => {
    const principal = await authenticate(c.var.call, { context, forwarded: forwardedProof(context) })
    demandRestrictions(principal, context)
    return principal
  }
  const payload = describePrincipal(await orInvalid(restricted()))
  return c.json({ valid: true, payload, ...payload, ...remark(ignored) })
}

const verification: Operation = {
  summary: 'Verifies a credential and returns its owner',
  by: PERSON,
  query: () => z.object({ ...contextBody().shape, ...strictQuery().shape }),
  answers: { 200: schemas.verified },
}
const VERIFY = ['/v1/auth/verify', '/auth/validate'] as const

app.route('GET', VERIFY, { authority: byProtocol('subject'), operation: verification })(verify)
app.route('POST', VERIFY, {
  authority: byProtocol('subject'),
  operation: { ...verification, query: strictQuery, body: contextBody },
})(verify)

/** Verifies an API key and returns its permissions (docs/wire-contract.md 1.4). */
app.route('POST', '/v1/auth/verify-api-key', {
  authority: byProtocol('subject'),
  operation: {
    summary: 'Verifies an API key and returns its permissions',
    by: ['apiKey'],
    query: strictQuery,
    body: contextBody,
    answers: { 200: schemas.verifiedKey },
  },
})(async (c) => {
  const presented = presentedApiKey(c.var.call)
  if (!presented) throw new GatewayError('api_key_missing', { body: { valid: false } })
  const { values: context, ignored } = await readNamed(c, contextBody())
  if (context.action !== undefined && context.service === undefined) throw actionAlone()
  const { key, person, scope, service, binding, remainingUses } = await orInvalid(
    checkApiKey(c.var.call, presented, context),
    { reason: 'The key was not accepted.' },
  )
  const { audiences, client_id } = key.binding ?? {}
  return c.json({
    valid: true,
    userId: person.uai,
    organizationId: key.organization_id,
    keyId: key.id,
    projectScope: projectScope(c.req.header('x-project-scope')),
    keyContext: key.key_context,
    accessLevel: key.access_level,
    permissions: scope,
    scope: scope.join(' '),
    aud: audiences?.length === 1 ? audiences[0] : audiences,
    client_id,
    service: key.service,
    services: key.service_scopes,
    ...(service && { serviceScope: service }),
    binding: { status: binding, client_id },
    expiresAt: key.expires_at && new Date(key.expires_at).toISOString(),
    ...(remainingUses !== undefined && { remainingUses }),
    message: 'The API key is valid.',
    ...remark(ignored),
  })
})

const tokenBody = once(() =>
  z.object({ token: z.optional(z.string().check(z.maxLength(8000))), ...contextBody().shape }),
)

/** Both results are 200; an internal error is 5xx, never `valid: false` (docs/wire-contract.md 5.9). */
app.route('POST', '/v1/auth/verify-token', {
  authority: byProtocol('subject'),
  operation: {
    summary: 'Verifies a token; 200 for valid and invalid ones',
    query: strictQuery,
    body: tokenBody,
    answers: { 200: schemas.tokenVerdict },
  },
})(async (c) => {
  const { values, ignored } = await readNamed(c, tokenBody())
  const { token, ...context } = values
  if (!token) throw new GatewayError('missing_token', { body: { valid: false } })
  try {
    const principal = await principalOf(c.var.call, token, { context, forwarded: forwardedProof(context) })
    demandRestrictions(principal, context)
    const { id, email, role, scope, aud, client_id } = { email: null, ...describePrincipal(principal) }
    return c.json({
      valid: true,
      type: typeOf(principal),
      user: { id, email, role },
      scope,
      aud,
      client_id,
      expires_at: principal.expiresAt?.toISOString(),
      ...remark(ignored),
    })
  } catch (error) {
    if (!(error instanceof GatewayError) || error.status >= 500 || error.status === 429) throw error
    c.var.call.notes.refused = error
    return c.json({ valid: false, error: error.message, code: error.code, ...remark(ignored) })
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
const introspectBody = once(() =>
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

/** Returns the code and status of introspection for an error (docs/wire-contract.md 1.4). */
function introspectionError(error: GatewayError, asked: { type?: string }) {
  if (asked.type !== undefined && asked.type !== 'auto' && !KIND_OF_TYPE[asked.type])
    return ['unsupported_auth_method', 401] as const
  if (error.refusal === 'project_scope_invalid') return ['unauthorized_project_scope', 403] as const
  if (error.status >= 500) return ['gateway_unavailable', 503] as const
  if (error.refusal === 'session_invalid') return ['expired_credential', 401] as const
  return error.status === 400 ? (['invalid_request', 400] as const) : (['invalid_credential', 401] as const)
}

/** OAuth clients send only a token, as to `/oauth/introspect`, and expect 200 for both results (docs/wire-contract.md 7.24). */
function asksAsOauth(c: AppContext, body: z.infer<ReturnType<typeof introspectBody>>): boolean {
  const { token, token_type_hint: _hint, ...rest } = body
  return new URL(c.req.url).pathname.startsWith('/api/') && token !== undefined && Object.keys(rest).length === 0
}

/** Identifies a credential in the body or on the request (docs/wire-contract.md 1.4), also with the members of RFC 7662. */
app.route('POST', '/v1/auth/introspect', {
  authority: byProtocol('subject'),
  operation: {
    summary: 'Identifies a credential in the body or on the request',
    by: PERSON,
    open: true,
    query: strictQuery,
    body: introspectBody,
    answers: {
      200: () => z.union([schemas.identified(), schemas.notIdentified()]),
      400: () => z.union([schemas.notIdentified(), z.looseObject({ error: z.string(), code: z.string() })]),
      401: schemas.notIdentified,
      403: schemas.notIdentified,
      503: schemas.notIdentified,
    },
  },
})(async (c) => {
  const { values: body, ignored } = await readNamed(c, introspectBody())
  const { type = 'auto', project_scope: asked, platform } = body
  try {
    const kind = KIND_OF_TYPE[type]
    if (type !== 'auto' && !kind) throw new GatewayError('invalid_request', { reason: 'type' })
    const given = body.credential ?? body.token
    const forwarded = forwardedProof(body)
    const principal = given
      ? await principalOf(c.var.call, given, { kind, context: body, forwarded })
      : await authenticate(c.var.call, {
          order: kind && [kind],
          context: body,
          forwarded,
          missing: 'invalid_request',
        })
    demandRestrictions(principal, body)
    if (platform !== undefined && principal.platform !== platform)
      throw new GatewayError('invalid_token', { reason: 'token for another platform' })
    if (asked && projectScope(asked) !== asked) throw new GatewayError('project_scope_invalid')
    const identity = { ...describeActor(principal, c.var.call.request.id), ...(asked && { project_scope: asked }) }
    const described = { ...describePrincipal(principal), ...remark(ignored) }
    return c.json({ valid: true, identity, error: null, active: true, ...described })
  } catch (thrown) {
    const error = toGatewayError(thrown)
    if (error.status === 429) throw error
    c.var.call.notes.refused = error
    const [code, status] = introspectionError(error, body)
    const retryable = status === 503
    return c.json(
      {
        valid: false,
        active: false,
        identity: null,
        error: { code, message: error.message, retryable },
        ...remark(ignored),
      },
      asksAsOauth(c, body) && !retryable ? 200 : status,
    )
  }
})

export default serve(app)
