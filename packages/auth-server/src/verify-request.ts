import { createQuestion, type Verified } from './ask-gateway.ts'
import { checkHolder, rememberProofs } from './check-holder.ts'
import { type Actor, type Confirmation, createTokenCheck, type TokenClaims } from './check-token.ts'
import {
  certificateThumbprint,
  type NodeRequest,
  type PresentedRequest,
  readCredential,
  readRequest,
} from './presented.ts'
import { insufficientScope, invalidToken, unauthenticated } from './refusal.ts'
import { satisfies } from './scope.ts'

export type { NodeRequest } from './presented.ts'
export { RequestRefused } from './refusal.ts'

export type VerifierOptions = {
  /** Base URL of the gateway. */
  issuer: string
  /** The resource identifier of this service, which is the audience of its tokens (RFC 8707). */
  audience: string
  /** Public base URL of the service, which DPoP proofs contain; by default the origin of `audience`. */
  baseUrl?: string
  /** Secret shared with the nginx in front of the service; unset if the service terminates TLS. */
  proxySecret?: string
  /**
   * `online` (the default) asks the gateway each time and caches nothing but its key set. `offline` checks only the token: no API keys,
   * a revocation is not noticed before the token expires, and a removed key not before the key set is five minutes old.
   */
  mode?: 'online' | 'offline'
  /** Name of this service in the service scopes of API keys. */
  service?: string
  /** Header in which the service's proxy sends the caller's address; the gateway trusts services at VERIFIER_ADDRESSES. */
  clientIpHeader?: string
  fetch?: typeof fetch
}

/** The caller of a request, with the member names of RFC 9068 and RFC 8693. */
export type Caller = {
  kind: 'person' | 'service'
  /** The UAI of a person, or the client id of a service. */
  sub: string
  client_id?: string
  scope: string[]
  /** The service that acts for the person. */
  act?: Actor
  organization_id?: string
  cnf?: Confirmation
  api_key_id?: string
  expiresAt?: Date
}

export type Needs = {
  /** One or more scopes separated by spaces, all of which are required. */
  scope?: string
  /** Bytes of the body, for API keys that sign requests. */
  body?: Uint8Array
}

function describe(verified: Verified | (TokenClaims & { organization_id?: string }), kind: Caller['kind']): Caller {
  const { sub, client_id, scope = '', act, cnf, organization_id, exp } = verified
  return {
    kind,
    sub,
    client_id,
    scope: scope.split(' ').filter(Boolean),
    act,
    organization_id,
    cnf,
    ...('api_key_id' in verified && { api_key_id: verified.api_key_id as string | undefined }),
    expiresAt: exp === undefined ? undefined : new Date(exp * 1000),
  }
}

/** The check of a service. */
export type Verify = ReturnType<typeof createVerifier>

/**
 * Creates a service's check of its callers: `const caller = await verify(request, { scope: 'secrets:read' })`. It accepts a Fetch
 * `Request` or Node's, with a Bearer or DPoP token of the gateway or an API key, bound to a certificate or key or not. Unless
 * `offline`, the gateway is asked each time, so that a revocation takes effect immediately.
 * @returns the check; it throws RequestRefused with `status`, `code` and `headers` of the response
 * @throws TypeError for an invalid option
 * @see RFC 6750 section 3, RFC 9068 section 4, RFC 8705 section 3, RFC 9449 section 7
 */
export function createVerifier(options: VerifierOptions) {
  const { audience, proxySecret, mode = 'online' } = options
  if (proxySecret !== undefined && Buffer.from(proxySecret, 'base64').length < 32)
    throw new TypeError('proxySecret must be base64 of at least 32 random bytes')
  const settings = { ...options, issuer: options.issuer.replace(/\/+$/, ''), fetch: options.fetch ?? fetch }
  const baseUrl = (options.baseUrl ?? new URL(audience).origin).replace(/\/+$/, '')
  const checkToken = createTokenCheck(settings)
  const ask = createQuestion(settings)
  const isFirst = mode === 'offline' ? rememberProofs() : undefined

  async function callerOf(request: PresentedRequest, needed: string[], body?: Uint8Array) {
    const credential = readCredential(request)
    if (!credential) throw unauthenticated()
    if (credential.kind === 'api_key') {
      if (mode === 'offline') throw invalidToken('API keys are not accepted here')
      return { caller: describe(await ask({ credential, request, needed, body }), 'person') }
    }
    const { token, scheme } = credential
    const claims = await checkToken(token, scheme)
    const { method, uri, header } = request
    const thumbprint = certificateThumbprint(request, proxySecret)
    const presented = { token, scheme, confirmation: claims.cnf, method, url: baseUrl + uri, thumbprint }
    const proof = await checkHolder({ ...presented, proof: header('dpop') }, isFirst)
    if (mode === 'offline')
      return { scheme, caller: describe(claims, claims.sub_type === 'client' ? 'service' : 'person') }
    const verified = await ask({ credential, request, proof, needed })
    return { scheme, caller: describe(verified, verified.actor_type === 'service' ? 'service' : 'person') }
  }

  return async (request: Request | NodeRequest, { scope, body }: Needs = {}): Promise<Caller> => {
    const needed = scope?.split(' ').filter(Boolean) ?? []
    const { caller, scheme } = await callerOf(readRequest(request), needed, body)
    if (!needed.every((one) => satisfies(caller.scope, one))) throw insufficientScope(needed, scheme)
    return caller
  }
}
