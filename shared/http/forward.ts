/** Request headers forwarded to a service: no credentials, and nothing about the route to the gateway. */
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
/** Response headers forwarded to the caller: a service sets no cookies here, and cannot make personal data cacheable. */
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

/** `failed`: the service did not respond. `too_large`: the caller's body. `unusable`: an invalid response of the service. */
export class ForwardError extends Error {
  override readonly name = 'ForwardError'
  constructor(
    readonly kind: 'failed' | 'too_large' | 'unusable',
    options?: ErrorOptions,
  ) {
    super(`forwarding: ${kind}`, options)
  }
}

type ForwardOptions = {
  /** Headers of the gateway; they override those of the caller. */
  headers: Record<string, string>
  /** Maximum size of the forwarded body. */
  maxBytes: number
  /** Time until the response begins. */
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

/** Null body statuses (Fetch section 2.2.6). */
const WITHOUT_BODY = [204, 205, 304]

/**
 * Forwards a request to a service and streams both ways. The caller of this function chooses the URL; redirects are neither followed
 * nor forwarded, and only listed headers pass in either direction. The service is asked for an uncompressed response.
 * @throws ForwardError
 */
export async function forward(request: Request, to: URL, options: ForwardOptions): Promise<Response> {
  const headers = picked(request.headers, TO_SERVICE)
  for (const [name, value] of Object.entries(options.headers)) headers.set(name, value)
  headers.set('accept-encoding', 'identity')
  const late = new AbortController()
  const timer = setTimeout(() => late.abort(), options.timeoutMs)
  let tooLarge = false
  const body = request.body && counted(request.body, options.maxBytes, () => (tooLarge = true))
  try {
    const signal = AbortSignal.any([request.signal, late.signal])
    const sent = { method: request.method, headers, redirect: 'manual' as const, signal }
    const answer = await fetch(to, body ? ({ ...sent, body, duplex: 'half' } as RequestInit) : sent)
    const { status } = answer
    const redirects = status >= 300 && status < 400 && status !== 304
    const known = status >= 200 && status < 600
    if (redirects || !known || WITHOUT_BODY.includes(status)) await answer.body?.cancel()
    if (redirects) throw new ForwardError('failed')
    if (!known) throw new ForwardError('unusable', { cause: new Error(`status ${status}`) })
    const passed = WITHOUT_BODY.includes(status) ? null : answer.body
    return new Response(passed, { status, headers: picked(answer.headers, TO_CALLER) })
  } catch (cause) {
    if (cause instanceof ForwardError) throw cause
    throw new ForwardError(tooLarge ? 'too_large' : 'failed', { cause })
  } finally {
    clearTimeout(timer)
  }
}

type AnswerLimits = {
  /** Maximum size of the response, decoded. */
  maxBytes: number
  /** Maximum time between chunks of the response. */
  idleMs: number
}

/** The chunks of a service's response. @throws ForwardError unusable, when it is too long or stalls */
function piecesOf(body: ReadableStream<Uint8Array>, { maxBytes, idleMs }: AnswerLimits) {
  const reader = body.getReader()
  let seen = 0
  const cancel = (reason?: unknown) => reader.cancel(reason).catch(() => {})
  async function next(): Promise<Uint8Array | undefined> {
    let timer: NodeJS.Timeout | undefined
    const stopped = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`nothing came for ${idleMs} ms`)), idleMs)
    })
    try {
      const { value } = await Promise.race([reader.read(), stopped])
      seen += value?.length ?? 0
      if (seen > maxBytes) throw new Error(`more than ${maxBytes} bytes`)
      return value
    } catch (cause) {
      void cancel(cause)
      throw new ForwardError('unusable', { cause })
    } finally {
      clearTimeout(timer)
    }
  }
  return { next, cancel }
}

/**
 * Streams a service's response, within limits.
 * @param breakOff called on a failure after the response has begun; returns whether it ended the connection, otherwise the stream
 * ends with the error
 */
export function streamAnswer(
  body: ReadableStream<Uint8Array>,
  limits: AnswerLimits,
  breakOff: (error: unknown) => boolean,
): ReadableStream<Uint8Array> {
  const { next, cancel } = piecesOf(body, limits)
  return new ReadableStream({
    async pull(controller) {
      try {
        const piece = await next()
        if (piece) controller.enqueue(piece)
        else controller.close()
      } catch (error) {
        if (!breakOff(error)) controller.error(error)
      }
    },
    cancel,
  })
}

/**
 * Reads a service's response as the text of one JSON value; an empty response is `null`.
 * @param limits.timeoutMs for the whole response
 * @throws ForwardError unusable
 */
export async function readJsonText(
  body: ReadableStream<Uint8Array> | null,
  limits: AnswerLimits & { timeoutMs: number },
): Promise<string> {
  if (!body) return 'null'
  const endsAt = Date.now() + limits.timeoutMs
  const { next, cancel } = piecesOf(body, limits)
  const pieces: Uint8Array[] = []
  for (let piece = await next(); piece; piece = await next()) {
    pieces.push(piece)
    if (Date.now() < endsAt) continue
    void cancel()
    throw new ForwardError('unusable', { cause: new Error(`not complete after ${limits.timeoutMs} ms`) })
  }
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(pieces))
    if (text === '') return 'null'
    JSON.parse(text)
    return text
  } catch {
    throw new ForwardError('unusable', { cause: new Error('not JSON') })
  }
}
