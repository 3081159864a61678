import { type Dialect, GatewayError } from '../errors.ts'

const TRANSIENT_CODES =
  /^(ECONN(REFUSED|RESET|ABORTED)|ETIMEDOUT|EPIPE|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN|CONNECT(ION)?_[A-Z_]+|UND_ERR_[A-Z_]+|08...|53...|57014|57P0[1-5]|55P03|40001|40P01)$/

function isTransient(error: unknown, depth = 0): boolean {
  if (!(error instanceof Error) || depth > 3) return false
  const { code, cause } = error as Error & { code?: unknown }
  if (typeof code === 'string' && TRANSIENT_CODES.test(code)) return true
  if (error.name === 'TimeoutError' || error.name === 'AbortError') return true
  if (error instanceof AggregateError && error.errors.some((one) => isTransient(one, depth + 1))) return true
  return isTransient(cause, depth + 1)
}

/** SQLSTATE of text with an invalid encoding, and of invalid or out-of-range times. */
const UNSTORABLE = new Set(['22021', '22P05', '22007', '22008', '22009'])

/**
 * Maps anything thrown to an error response: Postgres or network errors are 503 with `Retry-After`, a stale stream (SQLSTATE LA001)
 * is 409, text or a time that Postgres cannot store (a NUL, the year 0) is 400, the rest is 500. No details reach the client.
 */
export function toGatewayError(error: unknown): GatewayError {
  if (error instanceof GatewayError) return error
  if (isTransient(error)) return new GatewayError('service_unavailable', { retryAfter: 2, cause: error })
  const code = (error as { code?: unknown } | null)?.code
  if (typeof code === 'string' && UNSTORABLE.has(code))
    return new GatewayError('invalid_request', { reason: 'unstorable' })
  if (code === 'LA001') return new GatewayError('stale', { cause: error })
  return new GatewayError('server_error', { cause: error })
}

/** Keeps only the characters RFC 6749 section 5.2 allows in `error_description`. */
export function errorDescription(text: string): string {
  return text.replaceAll('"', "'").replace(/[^\x20-\x21\x23-\x5B\x5D-\x7E]/g, '')
}

function bodyOf(error: GatewayError, dialect: Dialect): Record<string, unknown> {
  const { details, retryAfter, body } = error.options
  const extra = { ...(details && { details }), ...(retryAfter !== undefined && { retry_after: retryAfter }) }
  if (dialect === 'oauth') {
    return { error: error.oauth, error_description: errorDescription(error.message), ...extra, ...body }
  }
  return { error: error.message, code: error.code, message: error.message, ...extra, ...body }
}

function problemOf(error: GatewayError): Record<string, unknown> {
  const { details, retryAfter } = error.options
  return {
    type: 'about:blank',
    title: STATUS_TITLES[error.status] ?? 'Error',
    status: error.status,
    detail: error.message,
    code: error.code,
    error: error.oauth,
    ...(details && { details }),
    ...(retryAfter !== undefined && { retry_after: retryAfter }),
  }
}

function challengeOf(error: GatewayError): string | undefined {
  if (error.refusal === 'invalid_token' || error.refusal === 'session_invalid') return 'Bearer error="invalid_token"'
  if (error.refusal === 'insufficient_scope') return 'Bearer error="insufficient_scope"'
  return error.status === 401 && error.refusal !== 'invalid_client' ? 'Bearer' : undefined
}

/** `Retry-After`, and for limits also both common headers: seconds from now, and seconds since 1970. */
function waitHeaders({ status, options: { retryAfter } }: GatewayError): [name: string, value: string][] {
  if (retryAfter === undefined) return []
  const seconds = Math.ceil(retryAfter)
  const wait: [string, string] = ['Retry-After', String(seconds)]
  if (status !== 429) return [wait]
  return [
    wait,
    ['RateLimit-Remaining', '0'],
    ['RateLimit-Reset', String(seconds)],
    ['X-RateLimit-Remaining', '0'],
    ['X-RateLimit-Reset', String(Math.ceil(Date.now() / 1000) + seconds)],
  ]
}

const STATUS_TITLES: Record<number, string> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  409: 'Conflict',
  410: 'Gone',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
}

/**
 * Renders the response to a refused or failed request in the dialect of the endpoint, or as RFC 9457 problem details if `Accept`
 * names `application/problem+json`. A 401 has a Bearer challenge (RFC 6750 section 3) unless the error has its own. The `page`
 * dialect falls back to the API's JSON; pages render their own HTML.
 */
export function renderError(thrown: unknown, dialect: Dialect, request: Request): Response {
  const error = toGatewayError(thrown)
  const wantsProblem = request.headers.get('accept')?.includes('application/problem+json') ?? false
  const headers = new Headers(error.options.headers)
  headers.set('Content-Type', wantsProblem ? 'application/problem+json' : 'application/json')
  const challenge = challengeOf(error)
  if (challenge && !headers.has('WWW-Authenticate')) headers.set('WWW-Authenticate', challenge)
  for (const [name, value] of waitHeaders(error)) headers.set(name, value)
  const body = wantsProblem ? problemOf(error) : bodyOf(error, dialect)
  return new Response(JSON.stringify(body), { status: error.status, headers })
}
