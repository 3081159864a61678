import { createHash } from 'node:crypto'
import type { HolderProof } from './check-holder.ts'
import type { Actor, Confirmation } from './check-token.ts'
import { equalHash } from './equal-hash.ts'
import type { Credential, PresentedRequest } from './presented.ts'
import { insufficientScope, invalidRequest, invalidToken, RequestRefused, unavailable } from './refusal.ts'

/** Response of `/v1/auth/verify` for a valid credential. */
export type Verified = {
  sub: string
  actor_type: 'user' | 'service'
  scope: string
  client_id?: string
  act?: Actor
  cnf?: Confirmation
  organization_id?: string
  api_key_id?: string
  exp?: number
}

const WAIT_MS = 5000
/** Headers for the bindings and signatures of keys (docs/wire-contract.md 3.3). */
const CALLER_HEADERS = [
  ...['timestamp', 'nonce', 'content-sha256', 'signature'].map((name) => `x-lanonasis-${name}`),
  ...['client-id', 'audience', 'installation-id'].map((name) => `x-lanonasis-${name}`),
  ...['x-client-id', 'x-auth-audience', 'x-service-audience', 'x-installation-id', 'x-project-scope'],
]

function refusalOf(status: number, headers: Headers, scheme: 'Bearer' | 'DPoP', needed: string[]): RequestRefused {
  if (status === 401) return invalidToken('refused by the gateway', scheme)
  if (status === 400) return invalidRequest('The credentials are malformed.')
  if (status === 403)
    return headers.get('www-authenticate')?.includes('insufficient_scope')
      ? insufficientScope(needed, scheme)
      : new RequestRefused(403, 'access_denied', 'The credentials cannot be used for this request.')
  const retryAfter = headers.get('retry-after')
  if (status === 429)
    return new RequestRefused(
      429,
      'rate_limited',
      'Too many requests.',
      retryAfter ? { 'Retry-After': retryAfter } : {},
    )
  return unavailable(new Error(`the gateway responded with ${status}`))
}

/** A signature covers a digest of the body, which only the service can compare with the body. */
function checkBody({ method, header }: PresentedRequest, body: Uint8Array | undefined): void {
  const stated = header('x-lanonasis-content-sha256')
  if (stated === undefined || header('x-lanonasis-signature') === undefined) return
  if (body === undefined && method !== 'GET' && method !== 'HEAD')
    throw invalidRequest('Signed requests with a body are not accepted here.')
  const digest = createHash('sha256')
    .update(body ?? '')
    .digest()
  if (!equalHash(stated.toLowerCase(), digest.toString('hex')) && !equalHash(stated, digest.toString('base64')))
    throw invalidToken('digest of another body')
}

export type Question = {
  credential: Credential
  request: PresentedRequest
  proof?: HolderProof
  needed: string[]
  body?: Uint8Array
}

/**
 * Creates the online check: the gateway says whether a credential is valid now, so a revocation takes effect with the next request.
 * @param input.clientIpHeader header in which the service's proxy sends the caller's address, for keys with an allow-list
 */
export function createQuestion(input: {
  issuer: string
  audience: string
  service?: string
  clientIpHeader?: string
  fetch: typeof fetch
}) {
  const { issuer, audience, service, clientIpHeader } = input

  function aboutKey(key: string, { request, body, needed }: Question): [headers: Record<string, string>, body: object] {
    checkBody(request, body)
    const { method, uri, header } = request
    const caller = CALLER_HEADERS.flatMap((name) => [[name, header(name)] as const]).filter(([, value]) => value)
    const client_ip = clientIpHeader && header(clientIpHeader)?.split(',').at(-1)?.trim()
    const [path] = uri.split('?', 1)
    const use = { service, audience, method, path, client_ip, scope: needed }
    return [{ 'x-api-key': key, ...Object.fromEntries(caller) }, use]
  }

  /** @throws RequestRefused */
  return async (question: Question): Promise<Verified> => {
    const { credential, proof = {}, needed } = question
    const scheme = credential.kind === 'token' ? credential.scheme : 'Bearer'
    const [headers, body] =
      credential.kind === 'token'
        ? [{ authorization: `${scheme} ${credential.token}` }, { ...proof, audience, scope: needed }]
        : aboutKey(credential.key, question)
    const call = {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json', ...headers },
      body: JSON.stringify(body),
      redirect: 'error' as const,
      signal: AbortSignal.timeout(WAIT_MS),
    }
    const response = await input.fetch(`${issuer}/v1/auth/verify`, call).catch((error: unknown) => {
      throw unavailable(error)
    })
    if (response.status !== 200) throw refusalOf(response.status, response.headers, scheme, needed)
    const answer = (await response.json().catch((error: unknown) => {
      throw unavailable(error)
    })) as Verified & { valid?: boolean }
    if (answer.valid !== true || !answer.sub) throw unavailable(new Error('unexpected response of the gateway'))
    return answer
  }
}
