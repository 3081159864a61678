import * as z from 'zod/mini'
import { permit } from '../../shared/access/admit.ts'
import {
  asPerson,
  authenticate,
  type CredentialKind,
  type PersonPrincipal,
  principalOf,
} from '../../shared/access/authenticate.ts'
import { EVERY_PERSON } from '../../shared/access/authorities.ts'
import type { KeyUseContext } from '../../shared/access/check-api-key.ts'
import { SERVICES } from '../../shared/access/service-catalogue.ts'
import type { Call, CallRequest } from '../../shared/call.ts'
import { GatewayError } from '../../shared/errors.ts'
import { gateway } from '../../shared/gateway.ts'
import { type AppContext, createApp } from '../../shared/http/app.ts'
import { ForwardError, forward, readJsonText, streamAnswer } from '../../shared/http/forward.ts'
import { anything, type Operation } from '../../shared/http/operation.ts'
import { type Accepts, type Authority, openToAll } from '../../shared/http/route.ts'
import { serve } from '../../shared/http/serve.ts'
import { log } from '../../shared/log.ts'
import { serviceAddress, toServiceHeaders } from '../../shared/services/service-routing.ts'

const BASE = '/api/v1/services'
const VERSION = '1'
/** The body limit of a platform function (docs/security-rules.md NF2). */
const MAX_BYTES = 6 * 1024 * 1024
const TIMEOUT_MS = 30_000

const available = () => SERVICES.filter(({ service_key }) => service_key in gateway().config.SERVICE_UPSTREAMS)

const TYPES: Record<number, string> = {
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  429: 'rate_limit_error',
}

/** Renders an error in the format of this router (docs/wire-contract.md 1.10). */
function refusal(error: GatewayError, c: AppContext): Response {
  const { message, status, options, refusal: name } = error
  const unknown = name === 'service_unknown'
  const type = TYPES[status] ?? (status < 500 ? 'invalid_request_error' : 'api_error')
  const body = {
    error: { message, type, code: unknown ? 'INVALID_SERVICE' : error.code },
    ...(unknown && { available_services: available().map(({ service_key }) => service_key) }),
    request_id: c.var.call.request.id,
  }
  const challenge = status === 401 ? { 'WWW-Authenticate': 'Bearer' } : undefined
  const wait = options.retryAfter && { 'Retry-After': String(Math.ceil(options.retryAfter)) }
  return Response.json(body, { status, headers: { ...challenge, ...options.headers, ...wait } })
}

const app = createApp('api', { tag: 'Services', refusal, passesBodies: true })

const service = () =>
  z.object({
    name: z.string(),
    endpoint: z.string(),
    description: z.string(),
    methods: z.array(z.string()),
    requires_auth: z.boolean(),
    scopes: z.array(z.string()),
    available: z.boolean(),
  })

/** Lists the services (docs/wire-contract.md 1.10). */
app.route('GET', '/services', {
  authority: openToAll,
  operation: {
    summary: 'Lists the services',
    answers: {
      200: () =>
        z.object({
          available_services: z.array(service()),
          total_count: z.int(),
          base_url: z.url(),
          documentation: z.url(),
          version: z.string(),
        }),
    },
  },
})((c) => {
  const { issuer, config } = gateway()
  const services = SERVICES.map(({ service_key: name, description, methods, scopes }) => ({
    name,
    endpoint: `${BASE}/${name}`,
    description,
    methods,
    requires_auth: true,
    scopes: [...new Set(Object.values(scopes))],
    available: name in config.SERVICE_UPSTREAMS,
  }))
  return c.json({
    available_services: services,
    total_count: services.length,
    base_url: issuer,
    documentation: `${issuer}/reference`,
    version: VERSION,
  })
})

const ROUTED: Accepts = { door: 'everyday', callers: EVERY_PERSON, audience: 'account', missing: 'auth_required' }

/** Authenticates a person by cookie, token, API key, or the headers of older MCP clients. */
async function personBehind(call: Call, context: KeyUseContext): Promise<PersonPrincipal> {
  const named = /^mcp +(\S+)\s*$/i.exec(call.request.header('authorization') ?? '')?.[1]
  const mcp = named ?? call.request.header('x-mcp-auth')
  const order: CredentialKind[] = ['cookie', 'bearer', 'api_key']
  return asPerson(
    mcp
      ? await principalOf(call, mcp, { kind: 'bearer' })
      : await authenticate(call, { order, missing: ROUTED.missing, context }),
  )
}

type Routed = { name: string; to: URL; principal: PersonPrincipal }

/** Resolves the service of a request and the person, who needs the scope that the service requires. */
const routing = (find: (request: CallRequest) => { name: string; rest: string }): Authority<Routed> => ({
  accepts: [ROUTED],
  admit: async (call) => {
    const { request, gateway } = call
    const { name, rest } = find(request)
    const service = available().find(({ service_key }) => service_key === name)
    const to = serviceAddress(gateway.config.SERVICE_UPSTREAMS[name], rest, new URL(request.url).search)
    if (!service || !to) throw new GatewayError('service_unknown')
    const method = request.method === 'HEAD' ? 'GET' : request.method
    if (!service.methods.includes(method))
      throw new GatewayError('method_not_allowed', { headers: { Allow: service.methods.join(', ') } })
    const action = method === 'GET' ? 'read' : 'write'
    const principal = await personBehind(call, { service: name, action, door: [gateway.issuer, to.origin] })
    const scope = service.scopes[action]
    await permit(call, principal, { ...ROUTED, scope })
    return { name, to, principal }
  },
})

/** Forwards the request on behalf of the person and returns the response of the service. */
async function route(c: AppContext, { name, to, principal }: Routed): Promise<Response> {
  const { limiter } = gateway()
  await limiter.enforce(limiter.of('service', `${name} ${principal.person.uai}`), 'service_rate_limited')
  const headers = await toServiceHeaders(c.var.call, principal, { service: name, audience: to.origin })
  try {
    const answer = await forward(c.req.raw, to, { headers, maxBytes: MAX_BYTES, timeoutMs: TIMEOUT_MS })
    return await present(c, answer, name)
  } catch (cause) {
    throw new GatewayError(REFUSALS[cause instanceof ForwardError ? cause.kind : 'failed'], { cause })
  }
}

const REFUSALS = {
  failed: 'routing_failed',
  too_large: 'payload_too_large',
  unusable: 'service_answer_unusable',
} as const

/** Buffers JSON and wraps it with router metadata; streams any other response unchanged. */
async function present(c: AppContext, answer: Response, service: string): Promise<Response> {
  const headers = new Headers(answer.headers)
  headers.set('Content-Security-Policy', "default-src 'none'; frame-ancestors 'none'; form-action 'none'; sandbox")
  headers.set('X-Powered-By', 'Onasis-CORE')
  headers.set('X-Privacy-Level', 'High')
  headers.set('X-Router-Version', VERSION)
  const json = /^application\/json\b/i.test(answer.headers.get('content-type') ?? '')
  const { status } = answer
  const { SERVICE_ANSWER_MB, SERVICE_IDLE_SECONDS } = gateway().config
  const idleMs = SERVICE_IDLE_SECONDS * 1000
  const hasBody = status !== 204 && status !== 205 && c.req.method !== 'HEAD'
  if (answer.ok && json && hasBody) {
    const data = await readJsonText(answer.body, { maxBytes: MAX_BYTES, idleMs, timeoutMs: TIMEOUT_MS })
    const onasis_metadata = { service, request_id: c.var.call.request.id, router_version: VERSION }
    return new Response(`{"data":${data},"onasis_metadata":${JSON.stringify(onasis_metadata)}}`, { status, headers })
  }
  const limits = { maxBytes: SERVICE_ANSWER_MB * 1024 * 1024, idleMs }
  const body = answer.body && streamAnswer(answer.body, limits, (error) => breakOff(c, service, error))
  return new Response(body, { status, headers })
}

/** Closes the connection of a started response, so that a partial body does not look complete. */
function breakOff(c: AppContext, service: string, error: unknown): boolean {
  if (!c.req.raw.signal.aborted)
    log.error('a service did not finish its response', { request_id: c.var.call.request.id, service, error })
  return c.get('breakOff')()
}

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const
const named = routing(({ param, path }) => {
  const name = param('service') ?? ''
  return { name, rest: path.slice(BASE.length + 1 + name.length) }
})
const chat = routing(() => ({ name: 'ai-chat', rest: '/chat/completions' }))
const webhook = routing(({ param }) => ({
  name: 'webhook-handler',
  rest: `/${encodeURIComponent(param('service') ?? '')}`,
}))

const routed: Operation = {
  summary: 'Forwards a request to a service with the identity of the caller; JSON is returned under data',
  answers: { 200: [anything, 'text/event-stream'], 204: 'empty', 205: 'empty', 304: 'empty' },
}

app.route(METHODS, [`${BASE}/:service`, `${BASE}/:service/:rest{.+}`], { authority: named, operation: routed })(route)
app.route('POST', '/api/v1/chat/completions', {
  authority: chat,
  operation: { ...routed, summary: 'Forwards to /api/v1/services/ai-chat/chat/completions' },
})(route)
app.route('POST', '/webhook/:service', {
  authority: webhook,
  operation: { ...routed, summary: 'Forwards to webhook-handler' },
})(route)

app.route(METHODS, '/services/:service', {
  authority: openToAll,
  operation: { summary: 'Redirects to the service', answers: { 307: 'redirect' } },
})((c) => c.redirect(`${BASE}/${encodeURIComponent(c.req.param('service'))}${new URL(c.req.url).search}`, 307))

export default serve(app)
