import { channel, type TracingChannel, tracingChannel } from 'node:diagnostics_channel'
import type postgres from 'postgres'

/**
 * Events of the gateway for counting, timing and tracing. A channel without subscribers costs only a flag check, and functions do
 * not include a monitoring client.
 */
export type RequestSeen = {
  request: Request
  /** Route pattern. Set at the end, like the next two. */
  route?: string
  status?: number
  refusal?: string
  /** Set by the tracer before the request is handled; 32 hex digits. */
  traceId?: string
  waitUntil(work: Promise<unknown>): void
}
export const requests = tracingChannel<unknown, RequestSeen>('auth-gateway:request')

type Pool = 'reads' | 'writes'
type StatementSeen = { pool: Pool; text: string }
export const statements = tracingChannel<unknown, StatementSeen>('auth-gateway:statement')

/** A call to one of our own services; the tracer adds headers before it is sent. */
type CallSeen = { url: URL; headers: Headers; status?: number }
export const calls = tracingChannel<unknown, CallSeen>('auth-gateway:call')

type DeliverySeen = { function: string; status: string; reason?: string; milliseconds: number }
const deliveries = channel('auth-gateway:delivery')

type EventSeen = { type: string; data: object }
const events = channel('auth-gateway:event')

/** Calls `start` before and `end` after each operation; `error` is its failure. */
export function follow<Seen extends object>(
  work: TracingChannel<unknown, Seen>,
  { start, end }: { start?(seen: NoInfer<Seen>): void; end(seen: NoInfer<Seen> & { error?: unknown }): void },
): void {
  if (start) work.start.subscribe((seen) => start(seen as Seen))
  work.asyncEnd.subscribe((seen) => end(seen as Seen))
}

/** Calls back for every committed event and for every message, sent or not. */
export function watch({ event, delivery }: Watcher): void {
  if (event) events.subscribe((seen) => event(seen as EventSeen))
  if (delivery) deliveries.subscribe((seen) => delivery(seen as DeliverySeen))
}
type Watcher = { event?(seen: EventSeen): void; delivery?(seen: DeliverySeen): void }

/** Publishes committed events. Call it after the commit. */
export function publishEvents(committed: EventSeen[]): void {
  if (events.hasSubscribers) for (const one of committed) events.publish(one)
}

/** Wraps `deliver` to publish the result of each message. */
export function observeDelivery<M extends { function: string }, R extends { status: string }>(
  deliver: (message: M) => Promise<R>,
): (message: M) => Promise<R> {
  return async (message) => {
    if (!deliveries.hasSubscribers) return deliver(message)
    const startedAt = performance.now()
    const result = await deliver(message)
    const { status, reason } = result as R & { reason?: string }
    const milliseconds = performance.now() - startedAt
    deliveries.publish({ function: message.function, status, reason, milliseconds } satisfies DeliverySeen)
    return result
  }
}

/** `fetch` for our own services, with trace propagation (W3C Trace Context). */
export const callOwn: typeof fetch = (input, init) => {
  if (!calls.start.hasSubscribers) return fetch(input, init)
  const seen: CallSeen = { url: new URL(String(input)), headers: new Headers(init?.headers) }
  return calls.tracePromise(async () => {
    const response = await fetch(input, { ...init, headers: seen.headers })
    seen.status = response.status
    return response
  }, seen)
}

/** Makes a pool publish its statements if there is a subscriber by now; otherwise returns it unchanged. */
export function observePool(sql: postgres.Sql, pool: Pool): postgres.Sql {
  if (!statements.start.hasSubscribers) return sql
  return new Proxy(sql, {
    apply(target, self, args) {
      const query = Reflect.apply(target, self, args)
      return Array.isArray(args[0]?.raw) ? observeQuery(query, pool, args[0]) : query
    },
  })
}

// The driver sends a query when it is awaited, and fragments are never awaited.
function observeQuery(query: Promise<unknown>, pool: Pool, text: readonly string[]): Promise<unknown> {
  const settle = Object.getPrototypeOf(query).then as Promise<unknown>['then']
  let running: Promise<unknown> | undefined
  return Object.assign(query, {
    // biome-ignore lint/suspicious/noThenProperty: it is a promise already
    then: (...handlers: Parameters<Promise<unknown>['then']>) => {
      running ??= statements.tracePromise(() => settle.call(query), {
        pool,
        text: text.join('$').replace(/\s+/g, ' ').trim(),
      })
      return running.then(...handlers)
    },
  })
}
