import { channel, type TracingChannel, tracingChannel } from 'node:diagnostics_channel'
import type postgres from 'postgres'

/**
 * What happens in the gateway, for whoever wants to count, time or trace it. Nobody has to: a channel without subscribers
 * costs one look at a flag, and no client of a monitoring system is part of a function.
 */
export type RequestSeen = {
  request: Request
  /** Path with the names of its parameters. Set at the end, as the next two are. */
  route?: string
  status?: number
  refusal?: string
  /** Set by whoever traces, before the request is worked on; 32 hex digits. */
  traceId?: string
  waitUntil(work: Promise<unknown>): void
}
export const requests = tracingChannel<unknown, RequestSeen>('auth-gateway:request')

export type Pool = 'reads' | 'writes'
export type StatementSeen = { pool: Pool; text: string }
export const statements = tracingChannel<unknown, StatementSeen>('auth-gateway:statement')

/** A call to a program of our own; whoever traces adds headers before it leaves. */
export type CallSeen = { url: URL; headers: Headers; status?: number }
export const calls = tracingChannel<unknown, CallSeen>('auth-gateway:call')

export type DeliverySeen = { function: string; status: string; reason?: string; milliseconds: number }
const deliveries = channel('auth-gateway:delivery')

export type EventSeen = { type: string; data: object }
const events = channel('auth-gateway:event')

/** Calls `start` before and `end` after every such piece of work; `error` is what it failed with. */
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

/** To be called after a commit. */
export function tellEvents(committed: EventSeen[]): void {
  if (events.hasSubscribers) for (const one of committed) events.publish(one)
}

/** `deliver` that tells how each message fared. */
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

/** `fetch` for programs of our own, which a trace goes on in (W3C Trace Context). */
export const callOwn: typeof fetch = (input, init) => {
  if (!calls.start.hasSubscribers) return fetch(input, init)
  const seen: CallSeen = { url: new URL(String(input)), headers: new Headers(init?.headers) }
  return calls.tracePromise(async () => {
    const response = await fetch(input, { ...init, headers: seen.headers })
    seen.status = response.status
    return response
  }, seen)
}

/** Makes a pool tell of its statements when somebody listens by now; otherwise it stays as it is. */
export function observePool(sql: postgres.Sql, pool: Pool): postgres.Sql {
  if (!statements.start.hasSubscribers) return sql
  return new Proxy(sql, {
    apply(target, self, args) {
      const query = Reflect.apply(target, self, args)
      return Array.isArray(args[0]?.raw) ? observeQuery(query, pool, args[0]) : query
    },
  })
}

// A query of the driver is sent when it is awaited, and a fragment never is.
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
