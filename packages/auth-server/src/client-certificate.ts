import { createHash, createHmac, timingSafeEqual, X509Certificate } from 'node:crypto'

/** The client certificate of the TLS connection that the proxy terminated. */
export type ClientCertificate = {
  der: Buffer
  x509: X509Certificate
  /** `x5t#S256`: base64url of the SHA-256 of the DER (RFC 8705 section 3.1). */
  thumbprint: string
  /** Whether the proxy verified its chain to a certificate authority for clients. */
  chainVerified: boolean
}

/** A request as the proxy forwarded it. */
export type ForwardedRequest = {
  method: string
  /** Path and query as the proxy received them. */
  uri: string
  /** Value of `Client-Cert` (RFC 9440 section 2.2). */
  clientCert: string | null | undefined
  /** Value of `Client-Cert-Proof`, see `clientCertificateOf`. */
  proof: string | null | undefined
}

const PROOF_SECONDS = 30
const MAX_CERTIFICATE_LENGTH = 8192
const BYTE_SEQUENCE = /^:([A-Za-z0-9+/]+={0,2}):$/
const PROOF = /^t=(\d{1,12}), verify="(SUCCESS|FAILED:[ !#-[\]-~]{1,200})", mac=:([A-Za-z0-9+/]{43}=):$/

/** `x5t#S256` of a certificate (RFC 8705 section 3.1). */
export const thumbprintOf = (der: Uint8Array) => createHash('sha256').update(der).digest('base64url')

function isFromProxy(input: ForwardedRequest, der: Buffer, [, time, verify, mac]: RegExpExecArray, secret: string) {
  const signed = ['client-cert-v1', time, input.method, input.uri, verify, thumbprintOf(der)].join('\n')
  const expected = createHmac('sha256', Buffer.from(secret, 'base64')).update(signed).digest()
  return timingSafeEqual(expected, Buffer.from(mac ?? '', 'base64'))
}

function parse(der: Buffer): X509Certificate | undefined {
  try {
    const x509 = new X509Certificate(der)
    return x509.raw.equals(der) ? x509 : undefined
  } catch {
    return undefined
  }
}

/**
 * Returns the certificate in a forwarded request if a valid MAC shows that our own proxy added it; otherwise undefined.
 *
 * The proof is `t=<seconds>, verify="SUCCESS" or "FAILED:<why>", mac=:<base64>:`. The MAC is HMAC-SHA-256, under the secret
 * that the proxy shares with this one upstream, over `client-cert-v1`, time, method, URI, verify and base64url SHA-256 of the DER,
 * one per line. This rejects headers set by callers, proofs copied to another request, and failed chains presented as verified.
 *
 * Within its 30 seconds a proof can be replayed for the same method and URI, and it does not cover the body, which the proxy has not
 * read when it writes headers. Only an attacker who reads the connection from the proxy (loopback or TLS) could use that, and would
 * see every token anyway; tokens obtained are bound to a key the attacker lacks. Single-use proofs would cost a write for every
 * request with a certificate, on paths that must not write.
 *
 * @see RFC 9440 sections 3 and 4, RFC 9700 section 4.13
 */
export function clientCertificateOf(
  input: ForwardedRequest,
  proxySecret: string | undefined,
  now = new Date(),
): ClientCertificate | undefined {
  const { clientCert, proof } = input
  if (!proxySecret || !clientCert || !proof || clientCert.length > MAX_CERTIFICATE_LENGTH) return undefined
  const encoded = BYTE_SEQUENCE.exec(clientCert)?.[1]
  const parts = PROOF.exec(proof)
  if (!encoded || !parts) return undefined
  const der = Buffer.from(encoded, 'base64')
  const age = now.getTime() / 1000 - Number(parts[1])
  if (Math.abs(age) > PROOF_SECONDS || !isFromProxy(input, der, parts, proxySecret)) return undefined
  const x509 = parse(der)
  if (!x509 || now < new Date(x509.validFrom) || now > new Date(x509.validTo)) return undefined
  return { der, x509, thumbprint: thumbprintOf(der), chainVerified: parts[2] === 'SUCCESS' }
}
