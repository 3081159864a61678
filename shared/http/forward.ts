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

/** `failed`: the service did not answer. `too_large`: the caller's body. `unusable`: what the service answers cannot be passed on. */
export class ForwardError extends Error {
  override readonly name = 'ForwardError'
  constructor(
    readonly kind: 'failed' | 'too_large' | 'unusable',
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

/** Statuses whose answers have no body (Fetch section 2.2.6). */
const WITHOUT_BODY = [204, 205, 304]

/**
 * Passes a request on to a service and streams both ways. The address is for the caller of this function to have decided; no
 * redirect is followed or passed on, and only known headers pass in either direction. The service is asked for plain bytes.
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

export type AnswerLimits = {
  /** Longest answer, decoded. */
  maxBytes: number
  /** Between one piece of the answer and the next. */
  idleMs: number
}

/** The pieces of a service's answer. @throws ForwardError unusable, when it is too long or stops */
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
 * A service's answer as it streams by, within limits.
 * @param breakOff is called when it fails after its beginning has been sent, and answers whether it has ended the connection;
 * otherwise the stream ends with the error
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
 * The JSON text of a service's answer, which is one value and nothing beside it; no text is `null`.
 * @param limits.timeoutMs for the whole of it
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
