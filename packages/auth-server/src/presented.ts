import type { X509Certificate } from 'node:crypto'
import { looksLikeApiKey } from './api-key-shape.ts'
import { clientCertificateOf, thumbprintOf } from './client-certificate.ts'
import { invalidRequest } from './refusal.ts'

/** The used members of Node's `IncomingMessage`, including Express's request. */
export type NodeRequest = {
  method?: string
  url?: string
  originalUrl?: string
  headers: Record<string, string | string[] | undefined>
  socket?: unknown
}

/** A request of any supported kind. */
export type PresentedRequest = {
  method: string
  /** Path and query as requested. */
  uri: string
  header(name: string): string | undefined
  /** The client certificate of a TLS connection that ends in this process. */
  peer?: X509Certificate
}

type Peer = { getPeerX509Certificate?: () => X509Certificate | undefined }

export function readRequest(request: Request | NodeRequest): PresentedRequest {
  if (request.headers instanceof Headers) {
    const { method = 'GET', url = '/', headers } = request
    const { pathname, search } = new URL(url)
    return { method, uri: pathname + search, header: (name) => headers.get(name) ?? undefined }
  }
  const { method = 'GET', url = '/', originalUrl = url, headers, socket } = request as NodeRequest
  return {
    method,
    uri: originalUrl,
    header: (name) => [headers[name] ?? []].flat().join(', ') || undefined,
    peer: (socket as Peer | undefined)?.getPeerX509Certificate?.(),
  }
}

/**
 * Returns `x5t#S256` of the caller's certificate. Behind a proxy only its authenticated header counts, since the connection is the
 * proxy's.
 * @param proxySecret shared with the proxy; undefined if the service terminates TLS
 */
export function certificateThumbprint(request: PresentedRequest, proxySecret: string | undefined): string | undefined {
  if (proxySecret === undefined) return request.peer && thumbprintOf(request.peer.raw)
  const { method, uri, header } = request
  const forwarded = { method, uri, clientCert: header('client-cert'), proof: header('client-cert-proof') }
  return clientCertificateOf(forwarded, proxySecret)?.thumbprint
}

export type Credential =
  | { kind: 'token'; token: string; scheme: 'Bearer' | 'DPoP' }
  | { kind: 'api_key'; key: string; token?: undefined }

/**
 * Returns the credential of a request: `Authorization: Bearer`, `DPoP` or `ApiKey`, `X-API-Key`, or a bare key; never from the query.
 * @throws RequestRefused invalid_request (400) for a scheme without its token
 */
export function readCredential({ header }: PresentedRequest): Credential | undefined {
  const authorization = header('authorization')?.trim() ?? ''
  const [, scheme = '', value = ''] = /^(bearer|dpop|apikey)(?: +(.*))?$/i.exec(authorization) ?? []
  if (scheme && !/^[^\s,]+$/.test(value)) throw invalidRequest('The Authorization header is malformed.')
  if (/^apikey$/i.test(scheme) || (scheme && looksLikeApiKey(value))) return { kind: 'api_key', key: value }
  if (scheme) return { kind: 'token', token: value, scheme: /^dpop$/i.test(scheme) ? 'DPoP' : 'Bearer' }
  const key = header('x-api-key') ?? (/^\S+$/.test(authorization) && looksLikeApiKey(authorization) && authorization)
  return key ? { kind: 'api_key', key } : undefined
}
