import { CLIENT_SIGNING_ALGORITHMS } from './signing-algorithms.ts'

type Status = 400 | 401 | 403 | 429 | 503
type Scheme = 'Bearer' | 'DPoP'

const ALGORITHMS = `algs="${CLIENT_SIGNING_ALGORITHMS.join(' ')}"`

/** Why a request is rejected, with its response. */
export class RequestRefused extends Error {
  override name = 'RequestRefused'
  readonly status: Status
  /** Error code of RFC 6750 section 3.1; undefined if the request had no credentials. */
  readonly code: string | undefined
  readonly headers: Record<string, string>

  constructor(status: Status, code: string | undefined, message: string, headers: Record<string, string> = {}) {
    super(message)
    this.status = status
    this.code = code
    this.headers = headers
  }

  /** The body of the error response (RFC 6750 section 3.1). */
  get body(): { error?: string; error_description?: string } {
    return this.code ? { error: this.code, error_description: this.message } : {}
  }

  /** Returns the error response. */
  toResponse(): Response {
    return Response.json(this.body, { status: this.status, headers: this.headers })
  }
}

function challenge(scheme: Scheme, parameters: string[]): Record<string, string> {
  const all = scheme === 'DPoP' ? [...parameters, ALGORITHMS] : parameters
  return { 'WWW-Authenticate': [scheme, all.join(', ')].filter(Boolean).join(' ') }
}

/** No credentials, so no error code either (RFC 6750 section 3.1, RFC 9449 section 7.1). */
export const unauthenticated = () =>
  new RequestRefused(401, undefined, 'Authentication required', { 'WWW-Authenticate': `Bearer, DPoP ${ALGORITHMS}` })

export const invalidRequest = (message: string) =>
  new RequestRefused(400, 'invalid_request', message, challenge('Bearer', ['error="invalid_request"']))

/** @param reason for the log of the service; the caller only learns that the token is invalid */
export const invalidToken = (reason: string, scheme: Scheme = 'Bearer', code = 'invalid_token') =>
  new RequestRefused(401, code, reason, challenge(scheme, [`error="${code}"`]))

export const insufficientScope = (needed: string[], scheme: Scheme = 'Bearer') =>
  new RequestRefused(
    403,
    'insufficient_scope',
    `This needs the scope ${needed.join(' ')}.`,
    challenge(scheme, ['error="insufficient_scope"', `scope="${needed.join(' ')}"`]),
  )

/** A failure of the service or the gateway is never reported as invalid credentials. */
export const unavailable = (cause: unknown) => {
  const refusal = new RequestRefused(503, 'temporarily_unavailable', 'Credentials cannot be checked at the moment.')
  refusal.cause = cause
  return refusal
}
