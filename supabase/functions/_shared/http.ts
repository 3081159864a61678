/** An error answer: status and code for the caller, and a detail for the log only. */
export class Refusal extends Error {
  readonly status: number
  readonly code: string
  readonly detail: string | undefined
  readonly retryAfter: number | undefined
  readonly headers: Record<string, string>

  constructor(
    status: number,
    code: string,
    message: string,
    more: { detail?: string; retryAfter?: number; headers?: Record<string, string> } = {},
  ) {
    super(message)
    this.name = 'Refusal'
    this.status = status
    this.code = code
    this.detail = more.detail
    this.retryAfter = more.retryAfter
    this.headers = more.headers ?? {}
  }
}

/** Returns a JSON response that must not be cached. */
export function reply(status: number, body: unknown, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: {
      'content-type': 'application/json; charset=utf-8',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      ...headers,
    },
  })
}

/** Returns the response for a refusal: `{"error":{"http_code","code","message"}}`, with Retry-After in seconds if it has one. */
export function replyRefusal(refusal: Refusal): Response {
  const headers = { ...refusal.headers }
  if (refusal.retryAfter !== undefined) headers['retry-after'] = String(refusal.retryAfter)
  const error = { http_code: refusal.status, code: refusal.code, message: refusal.message }
  return reply(refusal.status, { error }, headers)
}

/** Requires `POST` with a JSON body. @throws Refusal 405 or 415 */
export function requireJsonPost(request: Request): void {
  if (request.method !== 'POST') {
    throw new Refusal(405, 'method_not_allowed', 'Use POST.', { headers: { allow: 'POST' } })
  }
  const mediaType = request.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase()
  if (mediaType !== 'application/json') {
    throw new Refusal(415, 'unsupported_media_type', 'The body must be application/json.')
  }
}

/**
 * Reads the body as it was signed, decoded from UTF-8 only.
 * @throws Refusal 413 past `maxBytes`, 408 when `signal` aborts first, 400 when the bytes are not UTF-8
 */
export async function readText(request: Request, maxBytes: number, signal: AbortSignal): Promise<string> {
  const tooLarge = new Refusal(413, 'payload_too_large', `The body may hold ${maxBytes} bytes at most.`)
  if (Number(request.headers.get('content-length') ?? 0) > maxBytes) throw tooLarge
  if (!request.body) return ''

  const reader = request.body.getReader()
  const cancel = () => void reader.cancel().catch(() => undefined)
  signal.addEventListener('abort', cancel, { once: true })
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  let text = ''
  let size = 0
  try {
    for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
      size += chunk.value.byteLength
      if (size > maxBytes) throw tooLarge
      text += decoder.decode(chunk.value, { stream: true })
    }
    text += decoder.decode()
  } catch (error) {
    cancel()
    if (error instanceof Refusal) throw error
    throw new Refusal(400, 'body_unreadable', 'The body is not readable UTF-8.')
  } finally {
    signal.removeEventListener('abort', cancel)
  }
  if (signal.aborted) throw new Refusal(408, 'request_timeout', 'The body took too long to arrive.')
  return text
}

/** Parses a JSON body. @throws Refusal 400 */
export function parseJson(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    throw new Refusal(400, 'json_invalid', 'The body is not valid JSON.')
  }
}
