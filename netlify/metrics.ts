import { createHash, timingSafeEqual } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { log } from '../shared/log.ts'
import type { LogLag, WebhookLag } from '../shared/queries/log-lag.ts'
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

const SAME_SCRAPE_MILLISECONDS = 500

/**
 * Adds how far what follows the log is behind it: checkpoints, webhooks, messages and partitions. It is read from the database at each
 * scrape; without an answer the series are left out, and `auth_gateway_log_lag_readable` is 0.
 */
export function measureLag(registry: Registry, read: () => Promise<LogLag>): void {
  let reading: Promise<LogLag | undefined> | undefined
  const forget = () => {
    reading = undefined
  }
  const lagNow = () => {
    reading ??= read()
      .catch(() => undefined)
      .finally(() => setTimeout(forget, SAME_SCRAPE_MILLISECONDS).unref())
    return reading
  }
  const single = (name: string, help: string, value: (lag: LogLag) => number | null) =>
    new Gauge({
      name: `auth_gateway_${name}`,
      help,
      registers: [registry],
      async collect() {
        const lag = await lagNow()
        const seen = lag ? value(lag) : null
        if (seen === null) this.remove()
        else this.set(seen)
      },
    })
  const perWebhook = (name: string, help: string, value: (webhook: WebhookLag) => number) =>
    new Gauge({
      name: `auth_gateway_${name}`,
      help,
      labelNames: ['webhook'],
      registers: [registry],
      async collect() {
        const lag = await lagNow()
        this.reset()
        for (const one of lag?.webhooks ?? []) this.set({ webhook: one.id }, value(one))
      },
    })
  single('checkpoint_age_seconds', 'Age of the newest checkpoint of the audit log.', (lag) => lag.checkpointAge)
  single('checkpoint_lag_seconds', 'Age of the oldest event that no checkpoint covers.', (lag) => lag.uncoveredAge)
  single('checkpoint_unpublished_seconds', 'Age of the oldest unpublished checkpoint.', (lag) => lag.unpublishedAge)
  single('message_queue_seconds', 'Age of the oldest message that waits to be sent.', (lag) => lag.unsentAge)
  single('partitions_ahead', '1 when the next month has a partition.', (lag) => Number(lag.partitionsAhead))
  perWebhook('webhook_lag_seconds', 'Age of the oldest event that a webhook has not taken.', ({ seconds }) => seconds)
  perWebhook('webhook_dead_deliveries', 'Events that a webhook did not take after all attempts.', ({ dead }) => dead)
  new Gauge({
    name: 'auth_gateway_log_lag_readable',
    help: '1 when the lag of the log could be read from the database.',
    registers: [registry],
    async collect() {
      this.set((await lagNow()) ? 1 : 0)
    },
  })
}

type MetricsOptions = {
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
