import { createHash } from 'node:crypto'
import type { ClientMetadata } from '../../domain/api-client.ts'

const WEEK_MS = 7 * 86_400_000

/**
 * Returns the key under which registrations with the same metadata share one client for a week; undefined for confidential clients.
 * A public client is nothing but its metadata, so two with the same metadata are one client, as with a metadata document.
 */
export function sharingKeyOf(metadata: ClientMetadata, now: Date): string | undefined {
  if (metadata.token_endpoint_auth_method !== 'none') return undefined
  const week = Math.floor(now.getTime() / WEEK_MS)
  return createHash('sha256')
    .update(JSON.stringify([week, metadata]))
    .digest('base64url')
}
