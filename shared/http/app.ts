import type { Context as NetlifyContext } from '@netlify/functions'
import type { Context, Hono, MiddlewareHandler } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { HonoBase } from 'hono/hono-base'
import { LinearRouter } from 'hono/router/linear-router'
import type { Call } from '../call.ts'
import { config } from '../config.ts'
import { type Dialect, GatewayError } from '../errors.ts'
import { log } from '../log.ts'
import { type RequestSeen, requests } from '../telemetry.ts'
import { callOf } from './call.ts'
import { canonicalPath, pathOf } from './canonical-path.ts'
import { forgetSession } from './cookies.ts'
import { corsHeaders, corsPolicy, isPreflight } from './cors.ts'
import { ensureTracing } from './ensure-tracing.ts'
import { unprepared } from './first-request.ts'
import { Redirect } from './redirect.ts'
import { recordRefused } from './refused.ts'
import { renderError, toGatewayError } from './render-error.ts'
import type { Register, Route } from './route.ts'
import { addSecurityHeaders } from './security-headers.ts'
import { serverTiming, watchTimings } from './server-timing.ts'

const MAX_BODY_BYTES = 64 * 1024
const TRACE_ID = /^00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}$/

/** The platform's context of a request. Our own server can end the connection of a response that has begun. */
type PlatformContext = NetlifyContext & { breakOff?: () => void }

export type AppEnv = {
  Bindings: { netlify?: PlatformContext }
  Variables: {
    /** The request as the layers below `http` see it. */
    call: Call
    /** Ends the connection of a response that has begun, where the platform can; returns whether it did. */
    breakOff: () => boolean
    /** Trace id of the request, for the log; 32 hex digits. */
    traceId: string | undefined
    /** The authorization whose code the response contains. */
    handsOutCodeOf: string | undefined
    /** An equal submission of the form may run again, since it has the same result. */
    runsAgain: boolean | undefined
    /** Seconds for which an equal submission of the form gets the same response, if not the default. */
    answerSeconds: number | undefined
  }
}
export type AppContext = Context<AppEnv>

/** Serves the routes of a function. Routes are added only by `route`, so that each has an authority. */
export type App = Pick<Hono<AppEnv>, 'fetch' | 'request' | 'use'> & { route: Register; routes: readonly Route[] }

type AppOptions = {
  /** The tag of its operations in the OpenAPI document, where an operation names none. */
  tag?: string
  /** Renders errors as HTML: in the `page` dialect unless `Accept` excludes it, in others if `Accept` names it. */
  errorPage?: (error: GatewayError, c: AppContext) => Response | Promise<Response>
  /** Renders errors in a custom format. */
  refusal?: (error: GatewayError, c: AppContext) => Response
  /** Forwards bodies without reading them, and limits their size itself. */
  passesBodies?: boolean
}

const refuseLarge = () => {
  throw new GatewayError('payload_too_large')
}
const countBody = bodyLimit({ maxSize: MAX_BODY_BYTES, onError: refuseLarge })

/** Counts the bytes of a body only without `Content-Length`, since counting requires a costly stream. */
const limitBody: MiddlewareHandler<AppEnv> = (c, next) => {
  const { method, headers } = c.req.raw
  if (method === 'GET' || method === 'HEAD') return next()
  const length = headers.get('content-length')
  if (length === null || headers.has('transfer-encoding')) return countBody(c, next)
  return Number(length) > MAX_BODY_BYTES ? refuseLarge() : next()
}

function prepare(c: AppContext): void {
  const netlify = c.env?.netlify
  c.set('call', callOf(c))
  c.set('traceId', TRACE_ID.exec(c.req.header('traceparent') ?? '')?.[1])
  c.set('breakOff', () => {
    netlify?.breakOff?.()
    return netlify?.breakOff !== undefined
  })
}

function logRequest(c: AppContext, status: number, milliseconds: number): void {
  const { request, notes } = c.var.call
  const { refused } = notes
  const fields = {
    request_id: request.id,
    trace_id: c.get('traceId'),
    method: c.req.method,
    route: c.req.routePath,
    status,
    milliseconds: Math.round(milliseconds * 10) / 10,
    ...(refused && { refusal: refused.refusal, reason: refused.options.reason }),
    ...(status >= 500 && { error: refused?.cause ?? refused }),
  }
  if (status >= 500) log.error('request', fields)
  else log.info('request', fields)
}

function finish(c: AppContext, dialect: Dialect, startedAt: number): void {
  const milliseconds = performance.now() - startedAt
  const { request, notes } = c.var.call
  if (notes.sessionIsDead) forgetSession(c)
  const { headers } = c.res
  addSecurityHeaders(headers)
  for (const [name, value] of Object.entries(corsHeaders(c.req.raw, c.req.path, dialect))) {
    if (name === 'Vary') headers.append(name, value)
    else headers.set(name, value)
  }
  const retryAfter = notes.refused?.options.retryAfter
  if (retryAfter !== undefined && c.res.status >= 400 && !headers.has('Retry-After'))
    headers.set('Retry-After', String(Math.ceil(retryAfter)))
  headers.set('X-Request-ID', request.id)
  if (config().mode === 'development') headers.set('Server-Timing', serverTiming(milliseconds))
  logRequest(c, c.res.status, milliseconds)
}

/** Publishes the request to telemetry subscribers. */
async function observeRequest(c: AppContext, work: () => Promise<void>): Promise<void> {
  if (!requests.start.hasSubscribers) return work()
  const seen: RequestSeen = { request: c.req.raw, waitUntil: c.var.call.later }
  await requests.tracePromise(async () => {
    if (seen.traceId) c.set('traceId', seen.traceId)
    await work()
    Object.assign(seen, { route: c.req.routePath, status: c.res.status, refusal: c.var.call.notes.refused?.refusal })
  }, seen)
}

function allowedMethods(app: Hono<AppEnv>, path: string): string[] {
  const methods = new Set(app.routes.map((route) => route.method).filter((method) => method !== 'ALL'))
  const allowed = [...methods].filter((method) =>
    app.router.match(method, path)[0].some(([[, route]]) => route.method === method),
  )
  return allowed.includes('GET') ? [...allowed, 'HEAD'] : allowed
}

/** Whether a route requires an inspected database. */
function needsDatabase(app: Hono<AppEnv>, routes: readonly Route[], { req: { method, path } }: AppContext): boolean {
  const [matched] = app.router.match(method === 'HEAD' ? 'GET' : method, path)
  return routes.some(
    ({ path: own, spec }) => !spec.withoutDatabase && matched.some(([[, route]]) => route.path === own),
  )
}

/** Adds the URL of the resource metadata to challenges (RFC 9728 section 5.1). */
function addResourceMetadata(headers: Headers): void {
  const challenge = headers.get('WWW-Authenticate')
  if (!challenge || challenge.startsWith('Basic')) return
  const parameter = `resource_metadata="${config().AUTH_BASE_URL}/.well-known/oauth-protected-resource"`
  headers.set('WWW-Authenticate', `${challenge}${/^\w+$/.test(challenge) ? ' ' : ', '}${parameter}`)
}

/**
 * Creates a Hono app with what all endpoints share: canonical paths, request id, client address, CORS, body limit (64 KB), security
 * headers, errors in the dialect, 404 and 405, one log line per request, a record of refused requests.
 * @param dialect how errors are rendered: `oauth` (RFC 6749), `api`, or `page` (HTML through `errorPage`).
 */
export function createApp(dialect: Dialect, options: AppOptions = {}): App {
  // For few routes a linear search is as fast as a combined expression, which a cold start would have to build first.
  const app: Hono<AppEnv> = new HonoBase<AppEnv>({
    router: new LinearRouter(),
    getPath: (request) => canonicalPath(pathOf(request.url)),
  })

  app.use(async (c, next) => {
    const startedAt = performance.now()
    prepare(c)
    const tracing = ensureTracing(true)
    if (tracing) await tracing
    if (config().mode === 'development') watchTimings()
    await observeRequest(c, async () => {
      if (isPreflight(c.req.raw) && corsPolicy(c.req.path, dialect) !== 'none') c.res = c.body(null, 204)
      else await next()
      finish(c, dialect, startedAt)
    })
  })
  const routes: Route[] = []
  app.use((c, next) => {
    const prepare = unprepared()
    return prepare && needsDatabase(app, routes, c) ? prepare().then(next) : next()
  })
  app.use(recordRefused)
  if (!options.passesBodies) app.use(limitBody)

  app.notFound((c) => {
    const allowed = allowedMethods(app, c.req.path)
    if (allowed.length === 0) throw new GatewayError('route_not_found')
    throw new GatewayError('method_not_allowed', { headers: { Allow: [...allowed, 'OPTIONS'].join(', ') } })
  })
  app.onError(async (thrown, c) => {
    if (thrown instanceof Redirect) return c.redirect(thrown.location, thrown.status)
    const error = toGatewayError(thrown)
    c.var.call.notes.refused = error
    const pages = dialect === 'page' || c.var.call.notes.isPage ? /text\/html|\*\/\*/ : /text\/html/
    const wantsPage = options.errorPage && pages.test(c.req.header('accept') ?? '*/*')
    const render = options.refusal ?? (() => renderError(error, dialect, c.req.raw))
    const response = wantsPage && options.errorPage ? await options.errorPage(error, c) : render(error, c)
    addResourceMetadata(response.headers)
    return error.status >= 500 ? response : c.newResponse(await response.text(), response)
  })
  return withRoutes(app, routes, options.tag)
}

function withRoutes(app: Hono<AppEnv>, routes: Route[], tag: string | undefined): App {
  const route: Register = (methods, paths, spec) => (handler) => {
    for (const path of [paths].flat())
      for (const method of [methods].flat()) routes.push({ method, path, spec, tag: spec.operation?.tag ?? tag })
    const isPage = spec.authority.accepts.some(({ page }) => page)
    app.on([methods].flat(), [paths].flat(), async (c) => {
      c.var.call.notes.isPage = isPage
      return handler(c as never, await spec.authority.admit(c.var.call))
    })
  }
  return { fetch: app.fetch, request: app.request, use: app.use, route, routes }
}
