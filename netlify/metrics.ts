import { createHash, timingSafeEqual } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { log } from '../shared/log.ts'
import { follow, requests, statements, watch } from '../shared/telemetry.ts'

const RETRY_MILLISECONDS = 500
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])
const REQUEST_SECONDS = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
const STATEMENT_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5]

const secondsSince = (startedAt: number | undefined) => (performance.now() - (startedAt ?? 0)) / 1000

/**
 * Counts what this process does, in the text format of Prometheus. Labels come from closed sets, so that callers cannot add
 * series.
 * @param poolSizes connections that each pool may have
 */
export function countEverything(poolSizes: Record<string, number>): Registry {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  const requestSeconds = new Histogram({
    name: 'auth_gateway_request_seconds',
    help: 'Requests by route, and how long they took.',
    labelNames: ['method', 'route', 'status'],
    buckets: REQUEST_SECONDS,
    registers,
  })
  const refusals = new Counter({
    name: 'auth_gateway_refusals_total',
    help: 'Requests that were refused, by the code of the refusal; status 429 is a limit.',
    labelNames: ['refusal', 'status'],
    registers,
  })
  const events = new Counter({
    name: 'auth_gateway_events_total',
    help: 'Committed events.',
    labelNames: ['type'],
    registers,
  })
  const signIns = new Counter({
    name: 'auth_gateway_sign_ins_total',
    help: 'Sessions that began, by what proved who it was.',
    labelNames: ['method'],
    registers,
  })
  const deliveries = new Histogram({
    name: 'auth_gateway_delivery_seconds',
    help: 'Messages handed to the edge functions, retries included.',
    labelNames: ['function', 'outcome'],
    buckets: REQUEST_SECONDS,
    registers,
  })
  const statementSeconds = new Histogram({
    name: 'auth_gateway_statement_seconds',
    help: 'Statements sent to Postgres, waiting for a connection included.',
    labelNames: ['pool', 'outcome'],
    buckets: STATEMENT_SECONDS,
    registers,
  })
  const running = new Gauge({
    name: 'auth_gateway_pool_statements',
    help: 'Statements under way; what is above the size of the pool waits.',
    labelNames: ['pool'],
    registers,
  })
  const size = new Gauge({
    name: 'auth_gateway_pool_size',
    help: 'Connections that a pool may have.',
    labelNames: ['pool'],
    registers,
  })
  for (const [pool, connections] of Object.entries(poolSizes)) size.set({ pool }, connections)

  const startedAt = new WeakMap<object, number>()
  const start = (seen: object) => void startedAt.set(seen, performance.now())
  follow(requests, {
    start,
    end(seen) {
      const method = METHODS.has(seen.request.method) ? seen.request.method : 'other'
      const { route = 'none', status = 500, refusal } = seen
      requestSeconds.observe({ method, route, status }, secondsSince(startedAt.get(seen)))
      if (refusal) refusals.inc({ refusal, status })
    },
  })
  follow(statements, {
    start(seen) {
      start(seen)
      running.inc({ pool: seen.pool })
    },
    end(seen) {
      const { pool, error } = seen
      running.dec({ pool })
      statementSeconds.observe({ pool, outcome: error ? 'failed' : 'done' }, secondsSince(startedAt.get(seen)))
    },
  })
  watch({
    event({ type, data }) {
      events.inc({ type })
      if (type === 'SessionStarted') signIns.inc({ method: String((data as { method?: string }).method) })
    },
    delivery: (seen) =>
      deliveries.observe({ function: seen.function, outcome: seen.reason ?? seen.status }, seen.milliseconds / 1000),
  })
  return registry
}

export type MetricsOptions = {
  port: number
  host: string
  /** Bearer token that is asked for. */
  token: string | undefined
}

const digest = (text: string) => createHash('sha256').update(text).digest()

/**
 * `GET /metrics` on a port of its own, which no proxy leads to. While the port is taken, as by the process that this one
 * takes over from, it is tried again every half second.
 */
export function serveMetrics(registry: Registry, { port, host, token }: MetricsOptions): Server {
  const server = createServer(async (request, response) => {
    if (request.url !== '/metrics') return response.writeHead(404).end()
    const given = request.headers.authorization ?? ''
    if (token && !timingSafeEqual(digest(given), digest(`Bearer ${token}`)))
      return response.writeHead(401, { 'WWW-Authenticate': 'Bearer' }).end()
    response.writeHead(200, { 'Content-Type': registry.contentType }).end(await registry.metrics())
  })
  // A worker of a cluster would share the port with its siblings otherwise, and tell of one of them at random.
  const listen = () => server.listen({ port, host, exclusive: true })
  server.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EADDRINUSE') setTimeout(listen, RETRY_MILLISECONDS).unref()
    else log.error('metrics are not told', { error })
  })
  return listen().unref()
}
