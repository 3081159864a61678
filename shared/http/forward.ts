/** What a service gets to know of the request besides who it is from: nothing that proves anything, and nothing of the way here. */
const TO_SERVICE = [
  'accept',
  'accept-language',
  'content-type',
  'idempotency-key',
  'if-match',
  'if-none-match',
  'last-event-id',
  'mcp-protocol-version',
  'mcp-session-id',
  'range',
  'traceparent',
  'tracestate',
]
/** What of its answer reaches the caller; it sets no cookies here, and lets nobody store what is for one person. */
const TO_CALLER = [
  'accept-ranges',
  'content-disposition',
  'content-language',
  'content-range',
  'content-type',
  'etag',
  'last-modified',
  'mcp-session-id',
  'retry-after',
]

export class ForwardError extends Error {
  override readonly name = 'ForwardError'
  constructor(
    readonly kind: 'failed' | 'too_large',
    options?: ErrorOptions,
  ) {
    super(`forwarding: ${kind}`, options)
  }
}

export type ForwardOptions = {
  /** Headers of our own; they win over those of the caller. */
  headers: Record<string, string>
  /** Longest body that is passed on. */
  maxBytes: number
  /** Until the service begins to answer. */
  timeoutMs: number
}

function counted(body: ReadableStream<Uint8Array>, maxBytes: number, onMore: () => void) {
  let seen = 0
  return body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        seen += chunk.length
        if (seen <= maxBytes) return controller.enqueue(chunk)
        onMore()
        controller.error(new ForwardError('too_large'))
      },
    }),
  )
}

const picked = (headers: Headers, names: string[]) =>
  new Headers(
    names.flatMap((name) => (headers.has(name) ? [[name, headers.get(name) ?? '']] : []) as [string, string][]),
  )

/**
 * Passes a request on to a service and streams both ways. The address is for the caller of this function to have decided; no
 * redirect is followed or passed on, and only known headers pass in either direction.
 * @throws ForwardError
 */
export async function forward(request: Request, to: URL, options: ForwardOptions): Promise<Response> {
  const headers = picked(request.headers, TO_SERVICE)
  for (const [name, value] of Object.entries(options.headers)) headers.set(name, value)
  const late = new AbortController()
  const timer = setTimeout(() => late.abort(), options.timeoutMs)
  let tooLarge = false
  const body = request.body && counted(request.body, options.maxBytes, () => (tooLarge = true))
  try {
    const signal = AbortSignal.any([request.signal, late.signal])
    const sent = { method: request.method, headers, redirect: 'manual' as const, signal }
    const answer = await fetch(to, body ? ({ ...sent, body, duplex: 'half' } as RequestInit) : sent)
    if (answer.status >= 300 && answer.status < 400 && answer.status !== 304) {
      await answer.body?.cancel()
      throw new ForwardError('failed')
    }
    return new Response(answer.body, { status: answer.status, headers: picked(answer.headers, TO_CALLER) })
  } catch (cause) {
    throw tooLarge ? new ForwardError('too_large') : new ForwardError('failed', { cause })
  } finally {
    clearTimeout(timer)
  }
}

/** A JSON text inside of an object, under `data` and with `beside` next to it, as it streams by. */
export function wrapJson(body: ReadableStream<Uint8Array> | null, beside: Record<string, unknown>): ReadableStream {
  const encoder = new TextEncoder()
  const rest = JSON.stringify(beside).slice(1)
  let empty = true
  return (body ?? new Blob([]).stream()).pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      start: (controller) => controller.enqueue(encoder.encode('{"data":')),
      transform(chunk, controller) {
        if (chunk.length > 0) empty = false
        controller.enqueue(chunk)
      },
      flush: (controller) => controller.enqueue(encoder.encode(`${empty ? 'null' : ''},${rest}`)),
    }),
  )
}
