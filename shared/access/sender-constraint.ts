import * as z from 'zod/mini'
import { equalHash } from '../../packages/auth-server/src/equal-hash.ts'
import { CLIENT_SIGNING_ALGORITHMS } from '../../packages/auth-server/src/signing-algorithms.ts'
import type { Call } from '../call.ts'
import { GatewayError } from '../errors.ts'
import type { Gateway } from '../gateway.ts'
import { readClientCertificate } from '../http/client-certificate.ts'
import { once } from '../once.ts'
import type { Client } from '../queries/api-clients.ts'
import type { Confirmation } from '../queries/token-families.ts'
import { dpopKeyOf, keyOfRequest, nonceHeaders, type ProvenKey, proveKey } from './dpop.ts'

export type TokenScheme = 'Bearer' | 'DPoP'

const text = (longest: number) => z.optional(z.string().check(z.maxLength(longest)))

/**
 * Parameters with which a resource server lets the gateway check the binding of a token: the `DPoP` header it received with the
 * method and URL of its request, and the `x5t#S256` of the certificate on its connection.
 */
export const forwardedParameters = once(() => ({
  dpop_proof: text(4096),
  dpop_htm: text(20),
  dpop_htu: text(2000),
  client_certificate_thumbprint: text(100),
}))

export type ForwardedProof = { [name in keyof ReturnType<typeof forwardedParameters>]?: string }

/** Undefined when nothing was forwarded: then the current request is checked. */
export const forwardedProof = (given: ForwardedProof): ForwardedProof | undefined =>
  given.dpop_proof || given.client_certificate_thumbprint ? given : undefined

type Presented = { token: string; scheme: TokenScheme; confirmation: Confirmation | undefined }

const ALGORITHMS = `algs="${CLIENT_SIGNING_ALGORITHMS.join(' ')}"`

function refusal(scheme: TokenScheme, reason: string, error = 'invalid_token', headers = {}): GatewayError {
  const challenge = scheme === 'DPoP' ? `DPoP error="${error}", ${ALGORITHMS}` : `Bearer error="${error}"`
  return new GatewayError('invalid_token', { reason, headers: { 'WWW-Authenticate': challenge, ...headers } })
}

async function forwardedKey(
  gateway: Gateway,
  token: string,
  { dpop_proof: proof, dpop_htm: method, dpop_htu: url }: ForwardedProof,
): Promise<ProvenKey | undefined> {
  if (proof === undefined || method === undefined || url === undefined) return undefined
  return proveKey(gateway, { proof, method, urls: [url], accessToken: token, wantsNonce: false })
}

async function checkKey(
  call: Call,
  { token, scheme }: Presented,
  jkt: string,
  forwarded: ForwardedProof | undefined,
): Promise<void> {
  if (scheme !== 'DPoP') throw refusal('DPoP', 'DPoP-bound token as Bearer')
  const key = await (forwarded ? forwardedKey(call.gateway, token, forwarded) : keyOfRequest(call, token))
  const nonce = forwarded ? {} : nonceHeaders(call.gateway)
  if (!key) throw refusal('DPoP', 'no DPoP proof', 'invalid_dpop_proof', nonce)
  if (key.error) throw refusal('DPoP', key.reason, key.error, nonce)
  if (!equalHash(key.jkt, jkt)) throw refusal('DPoP', 'DPoP proof of another key')
  for (const [name, value] of Object.entries(nonce)) call.setHeader(name, value)
}

const thumbprintOf = (call: Call) =>
  readClientCertificate(call.request, call.gateway.config.MTLS_PROXY_SECRET)?.thumbprint

/**
 * Checks the sender constraint of a token: a proof of its key, or the certificate of the connection. An unbound token passes as
 * Bearer.
 * @param input.forwarded what a resource server saw, checked instead of the current request
 * @throws GatewayError invalid_token (401, with a `DPoP` or `Bearer` challenge, and `DPoP-Nonce` where one is required)
 * @see RFC 9449 section 7, RFC 8705 section 3
 */
export async function checkSenderConstraint(
  call: Call,
  input: Presented & { forwarded?: ForwardedProof },
): Promise<void> {
  const { scheme, confirmation, forwarded } = input
  const { jkt, 'x5t#S256': thumbprint } = confirmation ?? {}
  if (jkt !== undefined) await checkKey(call, input, jkt, forwarded)
  else if (scheme === 'DPoP') throw refusal('DPoP', 'unbound token as DPoP')
  if (thumbprint === undefined) return
  const presented = forwarded ? forwarded.client_certificate_thumbprint : thumbprintOf(call)
  if (!presented) throw refusal(scheme, 'certificate-bound token without a certificate')
  if (!equalHash(presented, thumbprint)) throw refusal(scheme, 'certificate-bound token over another certificate')
}

/**
 * Returns what the tokens of this request are bound to: the key that it proves, and the certificate of its connection if the client
 * is registered for that. Call it after client authentication.
 * @throws GatewayError use_dpop_nonce; invalid_dpop_proof, invalid_request without the key or certificate that the client must use
 * @see RFC 9449 sections 5 and 5.2, RFC 8705 section 3.4
 */
export async function confirmationFor(call: Call, { metadata }: Client): Promise<Confirmation | undefined> {
  const jkt = await dpopKeyOf(call)
  if (!jkt && metadata.dpop_bound_access_tokens)
    throw new GatewayError('invalid_dpop_proof', {
      description: 'This client must prove possession of a key.',
      headers: nonceHeaders(call.gateway),
    })
  const thumbprint = metadata.tls_client_certificate_bound_access_tokens ? thumbprintOf(call) : undefined
  if (!thumbprint && metadata.tls_client_certificate_bound_access_tokens)
    throw new GatewayError('invalid_request', { description: 'This client must use its certificate.' })
  if (!jkt && !thumbprint) return undefined
  return { ...(jkt && { jkt }), ...(thumbprint && { 'x5t#S256': thumbprint }) }
}
