import { createHash, createHmac, X509Certificate } from 'node:crypto'
import { seconds } from './proofs.ts'

/** The headers by which the certificate proxy vouches for what it saw on a connection (RFC 9440 and its proof). */
export function proxied(
  secret: string,
  seen: { method?: string; uri: string; cert: string; verify?: 'SUCCESS' | `FAILED:${string}` },
): Record<string, string> {
  const { method = 'POST', uri, cert, verify = 'SUCCESS' } = seen
  const der = new X509Certificate(cert).raw
  const time = seconds()
  const hash = createHash('sha256').update(der).digest('base64url')
  const signed = ['client-cert-v1', time, method, uri, verify, hash].join('\n')
  const mac = createHmac('sha256', Buffer.from(secret, 'base64')).update(signed).digest('base64')
  return {
    'client-cert': `:${der.toString('base64')}:`,
    'client-cert-proof': `t=${time}, verify="${verify}", mac=:${mac}:`,
  }
}
