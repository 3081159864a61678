import { createHash, createPublicKey, type JsonWebKeyInput, type KeyObject, verify } from 'node:crypto'
import { equalHash } from '../../packages/auth-server/src/equal-hash.ts'
import type { Call } from '../call.ts'
import type { Binding } from '../domain/api-key-settings.ts'
import { GatewayError } from '../errors.ts'

export type BindingStatus = 'legacy_unbound' | 'bound'

/** The request that a resource server asks about; without it, the current request is checked. */
export type ForwardedRequest = {
  method?: string
  path?: string
  audience?: string
  /** The same as `audience`. */
  resource?: string
  client_id?: string
  installation_id?: string
  /** Resources of which a key with audiences must name one; undefined when a caller only asks about the key. */
  door?: string[]
}

type SignedNonce = { key: Buffer; expiresAt: Date }

type Caller = { audience: string; projectScope: string; clientId: string; installationId: string }

const header = (call: Call, ...names: string[]) => names.map((name) => call.request.header(name)).find(Boolean) ?? ''

function callerOf(call: Call, forwarded: ForwardedRequest): Caller {
  return {
    audience:
      header(call, 'x-lanonasis-audience', 'x-auth-audience', 'x-service-audience') ||
      (forwarded.audience ?? forwarded.resource ?? ''),
    projectScope: header(call, 'x-project-scope'),
    clientId: header(call, 'x-lanonasis-client-id', 'x-client-id') || (forwarded.client_id ?? ''),
    installationId:
      header(call, 'x-lanonasis-installation-id', 'x-installation-id') || (forwarded.installation_id ?? ''),
  }
}

const mismatch = (reason: string) => new GatewayError('api_key_binding_mismatch', { reason })
const badSignature = (reason: string) => new GatewayError('api_key_signature_invalid', { reason })

/** Both the caller's headers and what the resource server forwards must match the binding. */
function checkCaller(binding: Binding, caller: Caller, forwarded: ForwardedRequest): void {
  const { audiences, client_id, installation_id } = binding
  const isOneOf = (bound: string[], ...stated: (string | undefined)[]) =>
    stated.every((one) => one === undefined || bound.includes(one))
  if (audiences && audiences.length > 0 && !isOneOf(audiences, caller.audience, forwarded.audience, forwarded.resource))
    throw mismatch('audience')
  if (audiences && audiences.length > 0 && forwarded.door && !forwarded.door.some((one) => audiences.includes(one)))
    throw mismatch('key for another resource')
  if (client_id && !isOneOf([client_id], caller.clientId, forwarded.client_id)) throw mismatch('client id')
  if (installation_id && !isOneOf([installation_id], caller.installationId, forwarded.installation_id))
    throw mismatch('installation id')
}

/** The public key of a binding. @throws when it is malformed */
export function bindingKey({ public_key_pem, public_key_jwk }: Binding): KeyObject | undefined {
  if (public_key_pem) return createPublicKey(public_key_pem)
  if (public_key_jwk) return createPublicKey({ key: public_key_jwk, format: 'jwk' } as JsonWebKeyInput)
  return undefined
}

function verifySignature(key: KeyObject, text: string, signature: Buffer): boolean {
  const data = Buffer.from(text)
  if (key.asymmetricKeyType === 'ed25519') return verify(null, data, key, signature)
  if (key.asymmetricKeyType === 'ec')
    return (['der', 'ieee-p1363'] as const).some((dsaEncoding) => {
      try {
        return verify('sha256', data, { key, dsaEncoding }, signature)
      } catch {
        return false
      }
    })
  return key.asymmetricKeyType === 'rsa' && verify('sha256', data, key, signature)
}

/** Parses a timestamp in seconds, milliseconds or ISO 8601 to milliseconds since 1970. */
function timeOf(timestamp: string): number {
  if (/^\d{10}$/.test(timestamp)) return Number(timestamp) * 1000
  return /^\d{13}$/.test(timestamp) ? Number(timestamp) : Date.parse(timestamp)
}

async function checkDigest(call: Call, stated: string, forwarded: ForwardedRequest): Promise<void> {
  // Only the resource server can compare the body of a request that it forwards.
  if (forwarded.method !== undefined || forwarded.path !== undefined) return
  const body = createHash('sha256')
    .update(Buffer.from(await call.request.bytes()))
    .digest()
  const matches = equalHash(stated.toLowerCase(), body.toString('hex')) || equalHash(stated, body.toString('base64'))
  if (!matches) throw badSignature('content digest mismatch')
}

async function checkSignature(
  call: Call,
  input: { keyId: string; publicKey: KeyObject; caller: Caller; forwarded: ForwardedRequest },
): Promise<SignedNonce> {
  const { keyId, publicKey, caller, forwarded } = input
  const windowSeconds = call.gateway.config.AUTH_GATEWAY_API_KEY_SIGNATURE_WINDOW_SECONDS
  const now = call.now()
  const timestamp = header(call, 'x-lanonasis-timestamp')
  const nonce = header(call, 'x-lanonasis-nonce')
  const digest = header(call, 'x-lanonasis-content-sha256')
  const presented = /^v1=([A-Za-z0-9+/_-]+={0,2})$/.exec(header(call, 'x-lanonasis-signature'))?.[1]
  if (!presented || nonce.length < 8 || nonce.length > 200) throw badSignature('incomplete')
  if (!(Math.abs(now.getTime() - timeOf(timestamp)) <= windowSeconds * 1000)) throw badSignature('outside the window')
  const method = (forwarded.method ?? call.request.method).toUpperCase()
  const path = forwarded.path ?? new URL(call.request.url).pathname
  const { audience, projectScope, clientId, installationId } = caller
  const text = [method, path, timestamp, nonce, digest, audience, projectScope, clientId, installationId].join('\n')
  if (!verifySignature(publicKey, text, Buffer.from(presented, 'base64'))) throw badSignature('signature')
  await checkDigest(call, digest, forwarded)
  return {
    key: createHash('sha256').update(`${keyId}\n${nonce}`).digest(),
    expiresAt: new Date(now.getTime() + windowSeconds * 2000),
  }
}

/**
 * Checks that the caller matches the binding of a key (docs/wire-contract.md 3.3): audience, client and installation, and where
 * required a signature over the newline-joined METHOD, path, timestamp, nonce, content SHA-256, audience, project scope, client id
 * and installation id. The caller of this function must still consume the nonce.
 * @throws GatewayError api_key_binding_required, api_key_binding_mismatch, api_key_signature_required, api_key_signature_invalid
 */
export async function checkBinding(
  call: Call,
  { id: keyId, binding }: { id: string; binding: Binding | null },
  forwarded: ForwardedRequest,
): Promise<{ status: BindingStatus; nonce?: SignedNonce }> {
  const { config } = call.gateway
  if (!binding) {
    if (config.AUTH_GATEWAY_REQUIRE_API_KEY_BINDING) throw new GatewayError('api_key_binding_required')
    if (config.AUTH_GATEWAY_REQUIRE_API_KEY_SIGNATURE) throw new GatewayError('api_key_signature_required')
    return { status: 'legacy_unbound' }
  }
  const caller = callerOf(call, forwarded)
  checkCaller(binding, caller, forwarded)
  const publicKey = bindingKey(binding)
  const isSigned = call.request.header('x-lanonasis-signature') !== undefined
  const mustSign = config.AUTH_GATEWAY_REQUIRE_API_KEY_SIGNATURE || binding.require_request_signature === true
  if (mustSign && (!isSigned || !publicKey)) throw new GatewayError('api_key_signature_required')
  if (!isSigned || !publicKey) return { status: 'bound' }
  return { status: 'bound', nonce: await checkSignature(call, { keyId, publicKey, caller, forwarded }) }
}
