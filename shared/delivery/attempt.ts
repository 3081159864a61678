const MAX_ANSWER_BYTES = 64 * 1024
const LONGEST_WAIT_SECONDS = 86_400

export type Attempt =
  | { status: 'accepted'; provider: string; providerId: string }
  | {
      status: 'failed'
      /** Short snake_case code, safe for events and logs. */
      reason: string
      /** Whether the same message may succeed later. */
      retryable: boolean
      /** Seconds to wait, as the function requested. */
      retryAfter?: number
    }

/** Sends one signed call. Never throws: network errors and invalid responses are returned as failures. */
export async function attempt(
  send: typeof fetch,
  url: string,
  headers: Record<string, string>,
  body: string,
  timeoutMs: number,
): Promise<Attempt> {
  const signal = AbortSignal.timeout(Math.max(1, Math.floor(timeoutMs)))
  try {
    const response = await send(url, { method: 'POST', headers, body, redirect: 'manual', signal })
    return judge(response, await readJson(response))
  } catch {
    return { status: 'failed', reason: signal.aborted ? 'function_timeout' : 'function_unreachable', retryable: true }
  }
}

function judge(response: Response, answer: unknown): Attempt {
  const { status } = response
  if (response.type === 'opaqueredirect' || (status >= 300 && status < 400)) {
    return { status: 'failed', reason: 'redirect_refused', retryable: false }
  }
  if (response.ok) {
    const [id, provider] = [field(answer, 'id'), field(answer, 'provider')]
    if (isName(id, 200) && isName(provider, 40)) return { status: 'accepted', provider, providerId: id }
    return { status: 'failed', reason: 'invalid_answer', retryable: false }
  }
  const code = field(field(answer, 'error'), 'code')
  const reason = typeof code === 'string' && /^[a-z][a-z0-9_]{1,59}$/.test(code) ? code : `http_${status}`
  const retryable = status === 429 || (status >= 500 && reason !== 'misconfigured')
  const retryAfter = retryable ? secondsToWait(response.headers.get('retry-after')) : undefined
  return { status: 'failed', reason, retryable, ...(retryAfter !== undefined && { retryAfter }) }
}

async function readJson(response: Response): Promise<unknown> {
  const decoder = new TextDecoder()
  let text = ''
  let size = 0
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength
    if (size > MAX_ANSWER_BYTES) return undefined
    text += decoder.decode(chunk, { stream: true })
  }
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const isName = (value: unknown, longest: number): value is string =>
  typeof value === 'string' && value !== '' && value.length <= longest

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined
}

/** Retry-After in delay-seconds, the form of RFC 9110 section 10.2.3 that the functions send. */
function secondsToWait(header: string | null): number | undefined {
  if (!header || !/^\d{1,9}$/.test(header)) return undefined
  return Math.min(Number(header), LONGEST_WAIT_SECONDS)
}
