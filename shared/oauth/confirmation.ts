import { GatewayError } from '../errors.ts'
import type { Gateway } from '../gateway.ts'
import type { AppContext } from '../http/app.ts'
import type { Client } from '../queries/api-clients.ts'
import type { Confirmation } from '../queries/token-families.ts'
import { dpopKeyOf, nonceHeaders } from './dpop.ts'

/**
 * What the tokens of this token request are bound to: the key that it proves. To be asked once the client is authenticated.
 * @throws GatewayError invalid_dpop_proof, use_dpop_nonce; invalid_dpop_proof when the client must prove a key and does not
 * @see RFC 9449 section 5
 */
export async function confirmationFor(
  gateway: Gateway,
  c: AppContext,
  { metadata }: Client,
): Promise<Confirmation | undefined> {
  const jkt = await dpopKeyOf(gateway, c)
  if (!jkt && metadata.dpop_bound_access_tokens)
    throw new GatewayError('invalid_dpop_proof', { reason: 'no DPoP proof', headers: nonceHeaders(gateway) })
  return jkt ? { jkt } : undefined
}
