import { type ClientCertificate, clientCertificateOf } from '../../packages/auth-server/src/client-certificate.ts'
import type { CallRequest } from '../call.ts'

/**
 * Returns the client certificate of a request; undefined without one, or without a valid proof of our proxy.
 * @param proxySecret MTLS_PROXY_SECRET; without it certificates are ignored
 */
export function readClientCertificate(
  request: Pick<CallRequest, 'method' | 'url' | 'header'>,
  proxySecret: string | undefined,
): ClientCertificate | undefined {
  if (!proxySecret) return undefined
  const { pathname, search } = new URL(request.url)
  const [clientCert, proof] = [request.header('client-cert'), request.header('client-cert-proof')]
  return clientCertificateOf({ method: request.method, uri: `${pathname}${search}`, clientCert, proof }, proxySecret)
}
