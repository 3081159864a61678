import type { ApiKeySettings } from '../domain/api-key-settings.ts'
import type { ApiKeyRecord, HistoryEntry } from '../queries/api-keys.ts'

const iso = (at: string | Date | null | undefined) => (at ? new Date(at).toISOString() : null)

/** Returns the settings of a key from its read model. */
export const settingsOfRecord = (key: ApiKeyRecord): ApiKeySettings => ({
  scopes: key.scopes,
  accessLevel: key.access_level,
  keyContext: key.key_context ?? undefined,
  service: key.service,
  serviceScopes: key.service_scopes,
  expiresAt: iso(key.expires_at) ?? undefined,
  binding: key.binding ?? undefined,
  limits: key.limits ?? undefined,
  networks: key.networks ?? undefined,
  consumer: key.consumer ?? undefined,
})

/** Returns the public description of a key (docs/wire-contract.md 1.7), without its secret. */
export function describeKey(key: ApiKeyRecord, now: Date) {
  const { limits, expires_at } = key
  const expired = expires_at !== null && new Date(expires_at) <= now
  return {
    id: key.id,
    name: key.name,
    description: key.description ?? null,
    user_id: key.created_by,
    organization_id: key.organization_id,
    owner: key.owner_type,
    parent_id: key.parent_id,
    access_level: key.access_level,
    key_context: key.key_context,
    permissions: key.scopes,
    scopes: key.scopes,
    service: key.service,
    service_scopes: key.service_scopes,
    binding: key.binding,
    rate_limits:
      limits?.max_calls_per_minute || limits?.max_calls_per_day
        ? { max_calls_per_minute: limits.max_calls_per_minute, max_calls_per_day: limits.max_calls_per_day }
        : null,
    limits_counted_by: limits ? (limits.counted_by ?? 'key') : null,
    max_uses: limits?.max_uses ?? null,
    remaining_uses: limits?.max_uses === undefined ? null : Math.max(0, limits.max_uses - key.limitedUses),
    allowed_networks: key.networks ?? [],
    consumer: key.consumer,
    key_preview: key.preview,
    status: key.status === 'active' && expired ? 'expired' : key.status,
    is_active: key.status === 'active' && !expired,
    uses_today: key.usesToday,
    expires_at: iso(expires_at),
    last_used_at: iso(key.lastUsedAt),
    rotated_at: iso(key.rotated_at),
    created_at: iso(key.created_at),
  }
}

/** Returns one entry of a key's history: what, when, by whom, why. */
export function describeHistory({ event_type, recorded_at, data, metadata }: HistoryEntry) {
  const { reason, ...details } = data
  return {
    type: event_type,
    at: iso(recorded_at),
    reason: reason ?? null,
    actor_type: metadata.actorType ?? null,
    actor_id: metadata.actor ?? null,
    client_id: metadata.clientId ?? null,
    api_key_id: metadata.credentialId ?? null,
    request_id: metadata.requestId ?? null,
    details,
  }
}
