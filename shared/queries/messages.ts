import type postgres from 'postgres'
import type { Channel, Message } from '../domain/message.ts'
import type { StoredEvent } from '../events/store.ts'
import type { Personal } from '../personal.ts'
import { eventsColumn } from './event-records.ts'
import type { Person } from './person.ts'

/** Column: whether the address with this digest is suppressed. */
const suppressedColumn = (sql: postgres.Sql, digest: Uint8Array) => sql`
  exists (
    select from auth_gateway.lookup_digests sd join auth_gateway.suppressions su on su.id = sd.stream_id
    where sd.kind = 'suppressed_address' and sd.digest = ${Buffer.from(digest)} and su.lifted_at is null
  ) as suppressed`

export async function isSuppressed(sql: postgres.Sql, digest: Uint8Array): Promise<boolean> {
  const [row] = await sql<{ suppressed: boolean }[]>`select ${suppressedColumn(sql, digest)}`
  return row?.suppressed ?? false
}

/** The events of a message, and whether its address is suppressed. One statement. */
export async function findMessage(
  sql: postgres.Sql,
  { id, digest }: { id: string; digest: Uint8Array },
): Promise<{ events: StoredEvent[]; suppressed: boolean }> {
  const [row] = await sql<{ events: StoredEvent[]; suppressed: boolean }[]>`
    select ${suppressedColumn(sql, digest)}, ${eventsColumn(sql, 'message', sql`${id}`)}`
  if (!row) throw new Error('lookup returned no row')
  return row
}

type SentMessage = {
  events: StoredEvent[]
  subject: string
  wrappedKey: Uint8Array | null
  /** Undefined once the person is erased. */
  address?: string
}

/** A sent message with its decrypted address, if it exists. One statement. */
export async function findSentMessage(
  sql: postgres.Sql,
  personal: Personal,
  id: string,
): Promise<SentMessage | undefined> {
  const [row] = await sql<{ events: StoredEvent[]; subject: string; wrapped_key: Uint8Array | null }[]>`
    select q.subject, k.wrapped_key, ${eventsColumn(sql, 'message', sql`${id}`)}
    from auth_gateway.event_store q left join auth_gateway.subject_keys k on k.subject = q.subject
    where q.stream_type = 'message' and q.stream_id = ${id} and q.version = 1`
  if (!row) return undefined
  const { events, subject, wrapped_key: wrappedKey } = row
  const { sealed } = (events[0]?.data ?? {}) as { sealed?: { address?: string } }
  return { events, subject, wrappedKey, address: personal.opener(subject, wrappedKey)(sealed?.address) }
}

export type MessageRecord = {
  id: string
  channel: Channel
  template: string
  status: Exclude<Message['status'], 'none'>
  provider: string | null
  reason: string | null
  queued_at: Date
  settled_at: Date | null
}

/** The newest messages to addresses with these digests, at least one of them. One statement. */
export function listMessages(sql: postgres.Sql, digests: Uint8Array[], limit: number): Promise<MessageRecord[]> {
  return sql<MessageRecord[]>`
    select m.id, m.channel, m.template, m.status, m.provider, m.reason, m.queued_at, m.settled_at
    from (
      select d.stream_id from auth_gateway.lookup_digests d
      where d.kind = 'message_address' and d.digest in ${sql(digests.map((one) => Buffer.from(one)))}
      order by d.stream_id desc limit ${limit}
    ) newest join auth_gateway.messages m on m.id = newest.stream_id
    order by m.id desc`
}

/** The newest messages to the verified addresses of a person. One statement. */
export function listMessagesOf(
  sql: postgres.Sql,
  { members }: Pick<Person, 'members'>,
  limit: number,
): Promise<MessageRecord[]> {
  return sql<MessageRecord[]>`
    select m.id, m.channel, m.template, m.status, m.provider, m.reason, m.queued_at, m.settled_at
    from auth_gateway.credentials c
    cross join lateral (
      select d.stream_id from auth_gateway.lookup_digests d
      where d.kind = 'message_address' and d.digest = c.digest order by d.stream_id desc limit ${limit}
    ) newest
    join auth_gateway.messages m on m.id = newest.stream_id
    where c.uai = any (${members}) and c.kind in ('email', 'phone') and c.digest is not null
    order by m.id desc limit ${limit}`
}

/** The delivery status of one message. */
export async function findOutcome(sql: postgres.Sql, id: string): Promise<string | undefined> {
  const [row] = await sql<{ status: string }[]>`select status from auth_gateway.messages where id = ${id}`
  return row?.status
}

type Figure = { channel: string; template: string; country: string | null; status: string; count: number }

/** Messages of the last day by delivery status; for codes also `entered`. */
export function countMessages(sql: postgres.Sql): Promise<Figure[]> {
  return sql<Figure[]>`
    select m.channel, m.template, o.country, case when o.status = 'consumed' then 'entered' else m.status end as status,
      count(*)::int as count
    from auth_gateway.messages m left join auth_gateway.otp_challenges o on o.id = m.id
    where m.queued_at > now() - interval '1 day'
    group by 1, 2, 3, 4 order by 1, 2, 3, 4`
}

type SuppressionRecord = {
  id: string
  channel: string
  cause: string
  reason: string | null
  suppressed_at: Date
  address?: string
}

/** Suppressed addresses, newest first; only those with a digest if given. */
export async function listSuppressions(
  sql: postgres.Sql,
  personal: Personal,
  digest?: Uint8Array,
): Promise<SuppressionRecord[]> {
  const rows = await sql<(SuppressionRecord & { sealed: string | null; wrapped_key: Uint8Array | null })[]>`
    select s.id, s.channel, s.cause, s.reason, s.suppressed_at, k.wrapped_key, e.data->'sealed'->>'address' as sealed
    from auth_gateway.suppressions s
    join auth_gateway.event_store e on e.stream_type = 'suppression' and e.stream_id = s.id and e.version = 1
    left join auth_gateway.subject_keys k on k.subject = s.id
    where s.lifted_at is null and (${digest === undefined} or exists (
      select from auth_gateway.lookup_digests d where d.stream_id = s.id and d.kind = 'suppressed_address' and d.digest = ${Buffer.from(digest ?? [])}))
    order by s.id desc limit 1000`
  return rows.map(({ sealed, wrapped_key, ...facts }) => ({
    ...facts,
    address: personal.opener(facts.id, wrapped_key)(sealed),
  }))
}

type Unsent = { id: string; uai: string; wrappedKey: Uint8Array; sealed: Uint8Array }

/** Messages that wait for another try and had none for two minutes. One statement. */
export function listUnsent(sql: postgres.Sql, limit: number): Promise<Unsent[]> {
  return sql<Unsent[]>`
    select m.id, m.uai, k.wrapped_key as "wrappedKey", s.sealed
    from auth_gateway.messages m
    join auth_gateway.event_secrets s on s.stream_id = m.id and s.name = 'message' and s.expires_at > now()
    join auth_gateway.subject_keys k on k.subject = m.uai
    where m.queued_at > now() - interval '1 day' and coalesce(m.settled_at, m.queued_at) < now() - interval '2 minutes'
      and (m.status = 'queued' or (m.status = 'failed' and m.retryable))
    order by m.id limit ${limit}`
}

/**
 * Messages of the last week without a result for ten minutes that are not retried: the process ended while it sent them. One statement.
 */
export function listUnconfirmed(sql: postgres.Sql, limit: number): Promise<{ id: string; subject: string }[]> {
  return sql<{ id: string; subject: string }[]>`
    select m.id, coalesce(m.uai, m.id) as subject from auth_gateway.messages m
    where m.status = 'queued' and m.queued_at > now() - interval '7 days' and m.queued_at < now() - interval '10 minutes'
      and not exists (select from auth_gateway.event_secrets s where s.stream_id = m.id and s.name = 'message' and s.expires_at > now())
    order by m.queued_at limit ${limit}`
}
