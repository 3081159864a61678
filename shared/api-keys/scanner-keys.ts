import { createPublicKey, verify } from 'node:crypto'
import * as z from 'zod/mini'
import { GatewayError } from '../errors.ts'
import type { Gateway } from '../gateway.ts'
import { guardedFetch } from '../http/guarded-fetch.ts'
import { once } from '../once.ts'
import { parsePresent } from '../present.ts'

const KEPT_MILLISECONDS = 600_000
const AGAIN_MILLISECONDS = 10_000

const list = once(() => z.object({ public_keys: z.array(z.object({ key_identifier: z.string(), key: z.string() })) }))

let kept: { url: string; keys: Map<string, string>; fetchedAt: number } | undefined

async function fetchKeys(url: string): Promise<Map<string, string>> {
  const unavailable = (cause?: unknown) =>
    new GatewayError('service_unavailable', { reason: 'keys of the scanner', retryAfter: 60, cause })
  const answer = await guardedFetch(url, { maxBytes: 65_536 }).catch((error: unknown) => {
    throw unavailable(error)
  })
  try {
    const { public_keys } = list().parse(parsePresent(answer.body.toString()))
    return new Map(public_keys.map(({ key_identifier, key }) => [key_identifier, key]))
  } catch (error) {
    throw unavailable(error)
  }
}

async function scannerKey({ config }: Gateway, id: string): Promise<string | undefined> {
  const url = config.LEAK_SCANNER_KEYS_URL
  const age = kept?.url === url ? Date.now() - kept.fetchedAt : Number.POSITIVE_INFINITY
  const known = kept?.keys.get(id)
  if (age < AGAIN_MILLISECONDS || (known && age < KEPT_MILLISECONDS)) return known
  kept = { url, keys: await fetchKeys(url), fetchedAt: Date.now() }
  return kept.keys.get(id)
}

/**
 * Checks that a report comes from the secret scanner: ECDSA over the raw body, by one of its published keys.
 * @throws GatewayError webhook_signature_invalid, service_unavailable if the keys cannot be read
 * @see GitHub's secret scanning partner program
 */
export async function checkScannerSignature(
  gateway: Gateway,
  message: { body: string; keyId?: string; signature?: string },
): Promise<void> {
  const { body, keyId, signature } = message
  const pem = keyId && signature ? await scannerKey(gateway, keyId) : undefined
  if (!pem || !signature) throw new GatewayError('webhook_signature_invalid', { reason: 'no known key' })
  try {
    if (verify('sha256', Buffer.from(body), createPublicKey(pem), Buffer.from(signature, 'base64'))) return
  } catch (cause) {
    throw new GatewayError('webhook_signature_invalid', { reason: 'unreadable key or signature', cause })
  }
  throw new GatewayError('webhook_signature_invalid', { reason: 'signature' })
}
