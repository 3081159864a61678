// Runs in nginx (njs). Sends the upstream the certificate whose key the caller proved to hold, with a proof that only this proxy can
// make: shared/http/client-certificate.ts describes and checks it.
// biome-ignore lint/style/useNodejsImportProtocol: njs knows it under this name only
import crypto from 'crypto'

const encoded = (r) => (r.variables.ssl_client_raw_cert || '').replace(/-----[A-Z ]+-----|\s/g, '')

/** `Client-Cert` of RFC 9440; empty, and so not sent, without a certificate. */
function header(r) {
  const certificate = encoded(r)
  return certificate && `:${certificate}:`
}

/** `Client-Cert-Proof`. */
function proof(r) {
  const certificate = encoded(r)
  if (!certificate) return ''
  const seen = r.variables
  const time = Math.floor(Date.now() / 1000)
  const verify = seen.ssl_client_verify.replace(/[^ -~]|["\\]/g, '_').slice(0, 200)
  const hash = crypto.createHash('sha256').update(Buffer.from(certificate, 'base64')).digest('base64url')
  const signed = ['client-cert-v1', time, seen.request_method, seen.request_uri, verify, hash].join('\n')
  const mac = crypto.createHmac('sha256', Buffer.from(seen.mtls_proxy_secret, 'base64')).update(signed).digest('base64')
  return `t=${time}, verify="${verify}", mac=:${mac}:`
}

export default { header, proof }
