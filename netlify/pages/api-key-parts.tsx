import type { ApiKeyRecord, HistoryEntry } from '../../shared/queries/api-keys.ts'
import type { ShownEvent } from './api-key.tsx'
import { words } from './api-key-words.ts'
import { fill, scopeSentence } from './copy.ts'
import { Fact } from './layout.tsx'
import { displayName } from './safe.ts'
import { MINUTE, TimeFact } from './time.tsx'

/** A key as the pages show it. */
export type ShownKey = {
  id: string
  name: string
  owner: 'person' | 'organization'
  status: keyof typeof words.status
  preview: string
  scopes: string[]
  createdAt: Date
  lastUsedAt?: Date
  expiresAt?: Date
  usesToday: number
}

export const nameOf = ({ name }: Pick<ShownKey, 'name'>) => displayName(name, words.unnamed)

const isSoon = ({ status, expiresAt }: ShownKey, now: Date) =>
  status === 'active' && expiresAt !== undefined && expiresAt.getTime() - now.getTime() < 7 * 1440 * MINUTE

export function Status({ shown, now }: { shown: ShownKey; now: Date }) {
  const text = isSoon(shown, now) ? words.soon : words.status[shown.status]
  return <span class={shown.status === 'active' && !isSoon(shown, now) ? 'tag good' : 'tag'}>{text}</span>
}

/** Describes scopes: the first `most`, or all. */
export function Scopes({ scopes, most, label = words.may }: { scopes: string[]; most?: number; label?: string }) {
  const named = scopes.map((name) => ({ name, ...scopeSentence(name) }))
  const first = most && named.length > most + 1 ? named.slice(0, most) : named
  const left = named.length - first.length
  return (
    <ul class="scopes" aria-label={label}>
      {first.map(({ sentence, sensitive }) => (
        <li class={sensitive ? 'sensitive' : undefined}>{sentence}</li>
      ))}
      {left > 0 && <li>{fill(words.more, { count: String(left) }).join('')}</li>}
    </ul>
  )
}

function usesText(count: number): string {
  if (count === 0) return words.notToday
  return count === 1 ? words.once : fill(words.times, { count: String(count) }).join('')
}

/** Shows when a key was created, last used and expires. */
export function Dates({ shown, now }: { shown: ShownKey; now: Date }) {
  const { createdAt, lastUsedAt, expiresAt, usesToday } = shown
  return (
    <dl class="pairs">
      <TimeFact term={words.lastUsed} at={lastUsedAt} otherwise={words.never} now={now} />
      <Fact term={words.today}>{usesText(usesToday)}</Fact>
      <TimeFact term={words.expires} at={expiresAt} otherwise={words.never} now={now} />
      <TimeFact term={words.created} at={createdAt} now={now} />
    </dl>
  )
}

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
