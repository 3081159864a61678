import type { ApiKeyRecord, HistoryEntry } from '../../shared/queries/api-keys.ts'
import type { ShownEvent } from './api-key.tsx'
import type { ShownKey } from './api-key-parts.tsx'
import { words } from './api-key-words.ts'
import { fill } from './copy.ts'

/** Scopes that the page offers; the API supports more. */
export const SCOPE_GROUPS: { area: string; scopes: string[] }[] = [
  { area: 'Memories', scopes: ['memories:read', 'memories:write', 'memories:delete'] },
  { area: 'MCP', scopes: ['mcp:connect', 'mcp:tools', 'mcp:resources', 'mcp:prompts', 'mcp:full'] },
  { area: 'AI and media', scopes: ['ai:chat', 'media:tts', 'media:stt', 'media:transcribe'] },
  { area: 'Content', scopes: ['content:tags', 'content:summary', 'content:embedding'] },
  { area: 'Projects and secrets', scopes: ['projects:read', 'projects:write', 'secrets:read', 'secrets:write'] },
  { area: 'Account', scopes: ['profile:read', 'analytics:read', 'api:access', 'api-keys:read', 'api-keys:write'] },
]

const date = (at: string | Date | null | undefined) => (at ? new Date(at) : undefined)

/** A key as the pages show it. */
export function shownKey(key: ApiKeyRecord, now: Date): ShownKey {
  const expiresAt = date(key.expires_at)
  const expired = key.status === 'active' && expiresAt !== undefined && expiresAt <= now
  return {
    id: key.id,
    name: key.name,
    owner: key.owner_type,
    status: expired ? 'expired' : key.status,
    preview: key.preview,
    scopes: key.scopes,
    createdAt: new Date(key.created_at),
    lastUsedAt: key.lastUsedAt,
    expiresAt,
    usesToday: key.usesToday,
  }
}

/** A key's limits in words. */
export function limitsOf({ limits }: ApiKeyRecord): string[] {
  const { perMinute, perDay, uses } = words.page
  const said: [string, number | undefined][] = [
    [perMinute, limits?.max_calls_per_minute],
    [perDay, limits?.max_calls_per_day],
    [uses, limits?.max_uses],
  ]
  return said.flatMap(([text, count]) => (count ? [fill(text, { count: String(count) }).join('')] : []))
}

function whoOf({ metadata }: HistoryEntry, uai: string): string {
  const { actorType, actor } = metadata
  if (actorType === 'operator') return words.page.operator
  if (actorType === 'system') return words.page.system
  if (actorType === 'service') return words.page.scanner
  return actor === uai ? words.page.you : words.page.member
}

/** Describes a key's history, newest first. Generated reasons are omitted. */
export function historyOf(history: HistoryEntry[], uai: string): ShownEvent[] {
  return history.toReversed().map((entry) => {
    const { reason } = entry.data
    const typed = typeof reason === 'string' && reason !== 'owner' && reason !== 'leaked'
    const because = typed ? (words.reasons[reason] ?? reason) : undefined
    return { type: entry.event_type, at: entry.recorded_at, by: whoOf(entry, uai), reason: because }
  })
}
