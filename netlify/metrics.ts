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
 * Collects metrics of this process for Prometheus. Label values come from closed sets, so that callers cannot add series.
 * @param poolSizes maximum number of connections of each pool
 */
export function countEverything(poolSizes: Record<string, number>): Registry {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const named = <Label extends string>(name: string, help: string, labelNames: Label[]) => ({
    ...{ name: `auth_gateway_${name}`, help, labelNames, registers: [registry] },
  })
  const requestSeconds = new Histogram({
    ...named('request_seconds', 'Duration of requests by route.', ['method', 'route', 'status']),
    buckets: REQUEST_SECONDS,
  })
  const refusals = new Counter(
    named('refusals_total', 'Refused requests by error code; status 429 is a rate limit.', ['refusal', 'status']),
  )
  const events = new Counter(named('events_total', 'Committed events.', ['type']))
  const signIns = new Counter(named('sign_ins_total', 'Started sessions by sign-in method.', ['method']))
  const deliveryHelp = 'Duration of message deliveries to the edge functions, including retries.'
  const deliveries = new Histogram({
    ...named('delivery_seconds', deliveryHelp, ['function', 'outcome']),
    buckets: REQUEST_SECONDS,
  })
  const statementHelp = 'Duration of Postgres statements, including the wait for a connection.'
  const statementSeconds = new Histogram({
    ...named('statement_seconds', statementHelp, ['pool', 'outcome']),
    buckets: STATEMENT_SECONDS,
  })
  const runningHelp = 'Statements in progress; those above the pool size wait for a connection.'
  const running = new Gauge(named('pool_statements', runningHelp, ['pool']))
  const size = new Gauge(named('pool_size', 'Maximum number of connections of a pool.', ['pool']))
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
 * Adds the lag of checkpoints, webhooks, messages and partitions behind the event log. It is read from the database at each scrape;
 * when that fails, the series are omitted and `auth_gateway_log_lag_readable` is 0.
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
  single('checkpoint_lag_seconds', 'Age of the oldest event not covered by a checkpoint.', (lag) => lag.uncoveredAge)
  single('checkpoint_unpublished_seconds', 'Age of the oldest unpublished checkpoint.', (lag) => lag.unpublishedAge)
  single('message_queue_seconds', 'Age of the oldest unsent message.', (lag) => lag.unsentAge)
  single('partitions_ahead', '1 when the partition of the next month exists.', (lag) => Number(lag.partitionsAhead))
  perWebhook('webhook_lag_seconds', 'Age of the oldest event not delivered to a webhook.', ({ seconds }) => seconds)
  perWebhook('webhook_dead_deliveries', 'Events not delivered to a webhook after all attempts.', ({ dead }) => dead)
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
  /** Bearer token that a request must present. */
  token: string | undefined
}

const digest = (text: string) => createHash('sha256').update(text).digest()

/**
 * Serves `GET /metrics` on a separate port that no proxy exposes. While the port is in use, for example by the process that this
 * one replaces, it is retried every half second.
 */
export function serveMetrics(registry: Registry, { port, host, token }: MetricsOptions): Server {
  const server = createServer(async (request, response) => {
    if (request.url !== '/metrics') return response.writeHead(404).end()
    const given = request.headers.authorization ?? ''
    if (token && !timingSafeEqual(digest(given), digest(`Bearer ${token}`)))
      return response.writeHead(401, { 'WWW-Authenticate': 'Bearer' }).end()
    response.writeHead(200, { 'Content-Type': registry.contentType }).end(await registry.metrics())
  })
  // Otherwise the workers of a cluster share the port, and each scrape reaches an arbitrary one of them.
  const listen = () => server.listen({ port, host, exclusive: true })
  server.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EADDRINUSE') setTimeout(listen, RETRY_MILLISECONDS).unref()
    else log.error('metrics cannot be served', { error })
  })
  return listen().unref()
}
