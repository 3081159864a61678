import { AsyncLocalStorage } from 'node:async_hooks'
import {
  type Attributes,
  type Context,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources'
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace'
import { calls, follow, requests, statements } from './telemetry.ts'

const TRACEPARENT = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})$/

/** The caller's span (W3C Trace Context section 3.2); an invalid header is ignored. */
function parentOf(header: string | null): Context {
  const [, traceId, spanId, flags] = TRACEPARENT.exec(header ?? '') ?? []
  if (!traceId || !spanId || !flags) return ROOT_CONTEXT
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags, 16) & 1,
    isRemote: true,
  })
}

function traceparent(span: Span): string {
  const { traceId, spanId, traceFlags } = span.spanContext()
  return `00-${traceId}-${spanId}-0${traceFlags & 1}`
}

type TracingOptions = {
  /** Share of the requests, 0 to 1. A caller cannot raise it, only opt a request out. */
  share: number
  /** Sends the spans of a request before it completes, for processes that are frozen between requests. */
  eachRequest?: boolean
}

/**
 * Sends a span for every request, statement and call to our own services to the collector named by the `OTEL_EXPORTER_OTLP_*`
 * variables. Spans contain routes and the text of statements, never values, addresses or callers.
 * @returns a function that flushes pending spans
 */
export function startTracing({ share, eachRequest = false }: TracingOptions): () => Promise<void> {
  const ratio = new TraceIdRatioBasedSampler(share)
  const named = resourceFromAttributes({ 'service.name': 'auth-gateway' })
  const provider = new TracerProvider({
    sampler: new ParentBasedSampler({ root: ratio, remoteParentSampled: ratio }),
    resource: named.merge(detectResources({ detectors: [envDetector] })),
    spanProcessors: [new BatchSpanProcessor({ exporter: new OTLPTraceExporter() })],
  })
  const flush = () => provider.forceFlush().catch(() => {})
  const tracer = provider.getTracer('auth-gateway')
  const current = new AsyncLocalStorage<unknown>()
  const spans = new WeakMap<object, Span>()

  const begin = (seen: object, name: string, kind: SpanKind, attributes: Attributes, parent?: Context) => {
    const span = tracer.startSpan(name, { kind, attributes }, parent ?? (current.getStore() as Context) ?? ROOT_CONTEXT)
    spans.set(seen, span)
    return span
  }
  const end = (seen: object & { error?: unknown }, attributes: Attributes = {}, failed = seen.error !== undefined) => {
    const span = spans.get(seen)
    span?.setAttributes(attributes)
    if (failed) span?.setStatus({ code: SpanStatusCode.ERROR })
    span?.end()
  }

  requests.start.bindStore(current, (seen) => {
    const { method, headers } = seen.request
    const parent = parentOf(headers.get('traceparent'))
    const span = begin(seen, method, SpanKind.SERVER, { 'http.request.method': method }, parent)
    seen.traceId = span.spanContext().traceId
    return trace.setSpan(ROOT_CONTEXT, span)
  })
  follow(requests, {
    end(seen) {
      const { route = '', status = 500, refusal } = seen
      spans.get(seen)?.updateName(`${seen.request.method} ${route}`)
      const attributes = { 'http.route': route, 'http.response.status_code': status, 'error.type': refusal }
      end(seen, attributes, status >= 500)
      if (eachRequest) seen.waitUntil(flush())
    },
  })
  follow(statements, {
    start: (seen) =>
      begin(seen, seen.pool, SpanKind.CLIENT, { 'db.system.name': 'postgresql', 'db.query.text': seen.text }),
    end,
  })
  follow(calls, {
    start(seen) {
      const { origin, pathname } = seen.url
      const span = begin(seen, `POST ${pathname}`, SpanKind.CLIENT, { 'url.full': `${origin}${pathname}` })
      seen.headers.set('traceparent', traceparent(span))
    },
    end: (seen) => end(seen, { 'http.response.status_code': seen.status }),
  })
  return flush
}
