import type postgres from 'postgres'
import { atOnce } from '../at-once.ts'
import type { ApiKeyStatus } from '../domain/api-key.ts'
import type { Binding, ServiceScope, UsageLimits } from '../domain/api-key-settings.ts'
import type { Personal } from '../personal.ts'
import { joinPerson, type Person, type PersonRow, toPerson } from './person.ts'

type KeyRow = {
  id: string
  owner_type: 'person' | 'organization'
  owner_id: string
  organization_id: string
  created_by: string
  origin: 'owner' | 'import'
  /** The parent key, and all ancestors, the first one first. */
  parent_id: string | null
  ancestors: string[]
  /** Row id of the application that created it. */
  application: string | null
  status: ApiKeyStatus
  name: string | null
  description: string | null
  preview: string
  scopes: string[]
  access_level: string
  key_context: string | null
  service: 'all' | 'specific'
  service_scopes: ServiceScope[]
  binding: Binding | null
  limits: UsageLimits | null
  networks: string[] | null
  consumer: string | null
  expires_at: string | null
  rotations: number
  rotated_at: string | null
  created_at: string
  version: number
}

/** A stored key, without its secret and with its name still sealed. */
export type ApiKeyFacts = Omit<KeyRow, 'name' | 'description'>

/** `left`: remaining uses of this key and of its ancestors. */
export type UseCount = { wait: number; exhausted: boolean; left?: number | null; replayed?: boolean }

type ApiKeyCheck = {
  key: ApiKeyFacts
  /** The creator, whose standing and authority the key depends on. */
  person: Person
  addressAllowed: boolean
  /** The limits of the named service, if the key lists it. */
  service?: ServiceScope
  /** Last activity is over a minute old and due for an update. */
  activityStale: boolean
  /** Present when this statement counted the use. */
  count?: UseCount
}

type CheckRow = Pick<ApiKeyCheck, 'key' | 'addressAllowed' | 'activityStale'> & {
  person: PersonRow
  service: ServiceScope | null
  count: UseCount | null
}

/** The active key with a hash, and its person; counts the use of a limited key. One statement. */
export async function checkKey(
  sql: postgres.Sql,
  personal: Personal,
  input: { hash: string; address?: string; service?: string },
): Promise<ApiKeyCheck | undefined> {
  const { hash, address, service } = input
  const [row] = await atOnce(sql<{ found: CheckRow | null }[]>`
    select auth_gateway.check_api_key(${hash}, ${address ?? null}, ${service ?? null}) as found`)
  if (!row?.found) return undefined
  const { person, service: limits, count, ...facts } = row.found
  return { ...facts, person: toPerson(personal, person), service: limits ?? undefined, count: count ?? undefined }
}

/** Counts the use of a bound key after its caller has been verified, and consumes the nonce. One statement. */
export async function countBoundUse(
  sql: postgres.Sql,
  input: { id: string; service?: ServiceScope; nonce?: { key: Uint8Array; expiresAt: Date } },
): Promise<UseCount> {
  const { id, service, nonce } = input
  const [row] = await sql<{ count: UseCount }[]>`
    select auth_gateway.count_bound_api_key_use(${id}, ${service ? sql.json(service) : null},
      ${nonce ? Buffer.from(nonce.key) : null}, ${nonce?.expiresAt ?? null}) as count`
  if (!row) throw new Error('count returned no row')
  return row.count
}

/** Whether any active key was imported. */
export async function hasImportedKeys(sql: postgres.Sql): Promise<boolean> {
  const [row] = await sql<{ answer: boolean }[]>`
    select exists (select 1 from auth_gateway.api_keys where origin = 'import' and status = 'active') as answer`
  return row?.answer ?? false
}

/** Adds batched uses. */
export async function noteUses(sql: postgres.Sql, uses: { key_id: string; uses: number }[]): Promise<void> {
  await sql`select auth_gateway.note_api_key_uses(${sql.json(uses)})`
}

/** A key as its owner sees it. */
export type ApiKeyRecord = ApiKeyFacts & {
  name: string
  description?: string
  lastUsedAt?: Date
  usesToday: number
  /** Uses that count against `max_uses`. */
  limitedUses: number
}

type RecordRow = KeyRow &
  Pick<ApiKeyRecord, 'usesToday' | 'limitedUses'> & { lastUsedAt: Date | null; wrapped_key: Uint8Array | null }

const recordColumns = (sql: postgres.Sql) => sql`
  select k.*, k.networks::text[] as networks, s.wrapped_key, a.last_used_at as "lastUsedAt",
    coalesce(a.limited_uses, 0) as "limitedUses",
    coalesce((select u.uses from auth_gateway.api_key_usage u where u.key_id = k.id and u.day = (now() at time zone 'UTC')::date), 0)
      as "usesToday"
  from auth_gateway.api_keys k
  left join auth_gateway.subject_keys s on s.subject = k.created_by
  left join auth_gateway.api_key_activity a on a.key_id = k.id`

function toRecord(personal: Personal, row: RecordRow): ApiKeyRecord {
  const { name, description, wrapped_key, lastUsedAt, ...facts } = row
  const open = personal.opener(row.created_by, wrapped_key)
  return { ...facts, name: open(name) ?? '', description: open(description), lastUsedAt: lastUsedAt ?? undefined }
}

/** One key that is not deleted, or undefined. */
export async function findKey(sql: postgres.Sql, personal: Personal, id: string): Promise<ApiKeyRecord | undefined> {
  const [row] = await sql<RecordRow[]>`${recordColumns(sql)} where k.id = ${id} and k.status <> 'deleted'`
  return row && toRecord(personal, row)
}

/** The keys of some owners, oldest first, at most 1000. */
export async function listKeys(
  sql: postgres.Sql,
  personal: Personal,
  input: { owners: string[]; activeOnly: boolean },
): Promise<ApiKeyRecord[]> {
  const rows = await sql<RecordRow[]>`${recordColumns(sql)}
    where k.owner_id = any (${input.owners}) and k.status <> 'deleted'
      and (not ${input.activeOnly} or (k.status = 'active' and (k.expires_at is null or k.expires_at > now())))
    order by k.created_at, k.id limit 1000`
  return rows.map((row) => toRecord(personal, row))
}

/** The keys with any of these hashes, active or not. */
export async function findKeysByHash(
  sql: postgres.Sql,
  hashes: string[],
): Promise<{ hash: string; id: string; createdBy: string }[]> {
  return sql<{ hash: string; id: string; createdBy: string }[]>`
    select s.hash, k.id, k.created_by as "createdBy"
    from auth_gateway.api_key_secrets s join auth_gateway.api_keys k on k.id = s.key_id where s.hash = any (${hashes})`
}

export type HistoryEntry = {
  event_type: string
  recorded_at: Date
  data: Record<string, unknown>
  metadata: { actorType?: string; actor?: string; clientId?: string; credentialId?: string; requestId?: string }
}

/** The history of a key, oldest first. */
export async function listKeyHistory(sql: postgres.Sql, id: string): Promise<HistoryEntry[]> {
  return sql<HistoryEntry[]>`
    select event_type, recorded_at, data - 'secretHash' - 'sealed' as data, metadata from auth_gateway.event_store
    where stream_type = 'api_key' and stream_id = ${id} order by version`
}

/** Uses per day, newest first. */
export async function listKeyUsage(
  sql: postgres.Sql,
  id: string,
  days: number,
): Promise<{ day: string; uses: number }[]> {
  return sql<{ day: string; uses: number }[]>`
    select to_char(day, 'YYYY-MM-DD') as day, uses from auth_gateway.api_key_usage
    where key_id = ${id} and day > (now() at time zone 'UTC')::date - ${days}::int order by api_key_usage.day desc`
}

export type DueNotice = {
  id: string
  noticeEvent: string
  kind: 'api_key_leaked' | 'api_key_expiring'
  name: string
  preview: string
  expiresAt?: Date
  owner: Person
}

type NoticeRow = PersonRow &
  Pick<DueNotice, 'id' | 'noticeEvent' | 'kind' | 'preview'> & {
    key_name: string | null
    expires_at: Date | null
    created_by: string
    creator_key: Uint8Array | null
  }

/**
 * Keys whose owner still has to be notified, with the owner. Not after a month: the message has the id of the event that it is about, which
 * may be in an archive by then.
 */
export async function listDueNotices(sql: postgres.Sql, personal: Personal, limit: number): Promise<DueNotice[]> {
  const rows = await sql<NoticeRow[]>`
    select a.id, a.notice_event as "noticeEvent", a.notice_kind as kind, a.name as key_name, a.preview, a.expires_at, a.created_by,
      o.wrapped_key as creator_key, i.*
    from auth_gateway.api_keys a
    left join auth_gateway.subject_keys o on o.subject = a.created_by
    ${joinPerson(sql, sql`a.created_by`)}
    where a.notice_event >= auth_gateway.uuid_v7_floor(now() - interval '30 days') order by a.id limit ${limit}`
  return rows.map((row) => ({
    id: row.id,
    noticeEvent: row.noticeEvent,
    kind: row.kind,
    name: personal.opener(row.created_by, row.creator_key)(row.key_name) ?? '',
    preview: row.preview,
    expiresAt: row.expires_at ?? undefined,
    owner: toPerson(personal, row),
  }))
}

/** Active keys that expire within some days and whose owner was not warned about that date. */
export async function listExpiringKeys(
  sql: postgres.Sql,
  input: { days: number; limit: number },
): Promise<{ id: string; createdBy: string }[]> {
  return sql<{ id: string; createdBy: string }[]>`
    select k.id, k.created_by as "createdBy" from auth_gateway.api_keys k
    where k.status = 'active' and k.expires_at > now() and k.expires_at < now() + make_interval(days => ${input.days})
      and k.warned_of is distinct from k.expires_at
    order by k.expires_at limit ${input.limit}`
}
