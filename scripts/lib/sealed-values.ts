import type postgres from 'postgres'
import { KEY_RING_ID } from '../../shared/domain/key-ring.ts'
import { rootOver } from '../../shared/events/merkle.ts'
import { headOf, type KeyRing, type SealingPurpose } from '../../shared/tokens/key-ring.ts'
import { RefusedError } from './terminal.ts'

type AnySql = postgres.ISql<Record<never, never>>

/** The tables with values that keys of the ring have sealed. */
export const sealedTables = ['subject_keys', 'event_secrets'] as const
export type SealedTable = (typeof sealedTables)[number]

/** The purposes of keys, by the type of the stream of a value and its name. The secrets are those of `auth_gateway.is_ring_sealed`. */
const PURPOSES: Record<string, SealingPurpose> = {
  'subject wrapped_key': 'subject-key-wrapping',
  'signing_key private_jwk': 'signing-key',
  'connection client_secret': 'connection-secret',
  'connection private_key': 'connection-key',
  'hook signing_secret': 'hook-secret',
  'webhook signing_secret': 'webhook-secret',
  'session upstream': 'upstream-session',
  'authorization parameters': 'pushed-request',
}

type SealedValue = {
  /** Orders the values of a table. */
  id: string
  /** Names the value in its leaf and in messages. */
  name: string
  /** Undefined for a value without its event. */
  purpose?: SealingPurpose
  context: string
  sealed: Uint8Array
  /** Whether it is what its event, or the newest rewrap, says. */
  isSound: boolean
}
type Row = Omit<SealedValue, 'purpose'> & { kind: string | null }

/**
 * Lists values of a table by their id.
 * @param page.olderThan only values that keys of another epoch have sealed, which are locked; those that others have locked are left out
 */
export async function listSealed(
  sql: AnySql,
  table: SealedTable,
  { after, limit, olderThan }: { after: string; limit: number; olderThan?: number },
): Promise<SealedValue[]> {
  const older = (column: string) =>
    olderThan === undefined ? sql`true` : sql`substring(${sql(column)} for 3) <> ${headOf(olderThan)}`
  const locked = (alias: string) => (olderThan === undefined ? sql`` : sql`for update of ${sql(alias)} skip locked`)
  const rows = await (table === 'subject_keys'
    ? sql<Row[]>`
        select k.subject::text as id, 'subject_keys ' || k.subject as name, 'subject wrapped_key' as kind,
          k.subject::text as context, k.wrapped_key as sealed, coalesce(case when k.batch is null
            then e.said = encode(sha256(k.wrapped_key), 'hex')
            else auth_gateway.is_rewrapped('subject_keys ' || k.subject, k.wrapped_key, k.batch, k.leaf, k.salt) end, false) as "isSound"
        from auth_gateway.subject_keys k left join lateral (
          select x.metadata->>'subjectKey' as said from auth_gateway.event_store x
          where x.subject = k.subject and x.stream_id = k.subject and x.version = 1 order by x.position limit 1) e on true
        where k.subject > ${after || NO_ID}::uuid and ${older('wrapped_key')}
        order by k.subject limit ${limit} ${locked('k')}`
    : sql<Row[]>`
        select s.event_id || ' ' || s.name as id, 'event_secrets ' || s.event_id || ' ' || s.name as name,
          e.stream_type || ' ' || s.name as kind, coalesce(e.data->>'kid', e.data->>'keyId', e.stream_id::text) as context, s.sealed,
          coalesce(case when s.batch is null
            then e.metadata->'secrets'->s.name->>'sha256' = encode(sha256(s.sealed), 'hex')
            else auth_gateway.is_rewrapped('event_secrets ' || s.event_id || ' ' || s.name, s.sealed, s.batch, s.leaf, s.salt)
          end, false) as "isSound"
        from auth_gateway.event_secrets s left join auth_gateway.event_store e on e.event_id = s.event_id
        where (s.event_id, s.name) > (${after.slice(0, NO_ID.length) || NO_ID}::uuid, ${after.slice(NO_ID.length + 1)})
          and auth_gateway.is_ring_sealed(s.name) and ${older('sealed')}
        order by s.event_id, s.name limit ${limit} ${locked('s')}`)
  return rows.map(({ kind, ...row }) => ({ ...row, purpose: PURPOSES[kind ?? ''] }))
}

const NO_ID = '00000000-0000-0000-0000-000000000000'

/** @throws RefusedError naming a value that does not open */
export function openSealed(ring: KeyRing, { name, purpose, sealed, context }: SealedValue): Buffer {
  try {
    if (purpose) return ring.open(purpose, sealed, context)
  } catch {}
  throw new RefusedError(`${name} does not open: npm run events -- verify`)
}

/** Replaces values of a table, and notes their places in a batch. */
export async function storeSealed(
  sql: postgres.TransactionSql,
  table: SealedTable,
  batch: number,
  values: { id: string; salt: Buffer; sealed: Buffer }[],
): Promise<void> {
  const rows = sql.json(
    values.map(({ id, salt, sealed }, leaf) => ({
      ...{ id: id.slice(0, NO_ID.length), name: id.slice(NO_ID.length + 1), leaf },
      ...{ salt: salt.toString('hex'), sealed: sealed.toString('hex') },
    })),
  )
  const given = sql`jsonb_to_recordset(${rows}) as n(id uuid, name text, leaf integer, salt text, sealed text)`
  if (table === 'subject_keys')
    await sql`
      update auth_gateway.subject_keys k
      set wrapped_key = decode(n.sealed, 'hex'), batch = ${batch}, leaf = n.leaf, salt = decode(n.salt, 'hex')
      from ${given} where k.subject = n.id`
  else
    await sql`
      update auth_gateway.event_secrets s
      set sealed = decode(n.sealed, 'hex'), batch = ${batch}, leaf = n.leaf, salt = decode(n.salt, 'hex')
      from ${given} where s.event_id = n.id and s.name = n.name`
}

/** Whether a value is left that a key of another epoch has sealed. */
export async function olderRemain(sql: AnySql, epoch: number): Promise<boolean> {
  const [row] = await sql<{ remain: boolean }[]>`
    select exists (select from auth_gateway.subject_keys where substring(wrapped_key for 3) <> ${headOf(epoch)})
      or exists (select from auth_gateway.event_secrets
        where auth_gateway.is_ring_sealed(name) and substring(sealed for 3) <> ${headOf(epoch)}) as remain`
  return row?.remain ?? false
}

export type Rewrapped = { epoch: number; batches: number; values: number }

/** The finished rewrap to an epoch; undefined while it runs. */
export async function finishedRewrap(sql: AnySql, epoch: number): Promise<Rewrapped | undefined> {
  const [row] = await sql<Rewrapped[]>`
    select (e.data->>'epoch')::int as epoch, (e.data->>'batches')::int as batches, (e.data->>'values')::int as values
    from auth_gateway.event_store e
    where e.stream_type = 'key_ring' and e.stream_id = ${KEY_RING_ID} and e.event_type = 'KeysRewrapped'
      and (e.data->>'epoch')::int = ${epoch}`
  return row
}

/** The number of batches of an epoch and of their values, and the root over the roots of the batches. */
export async function batchesOf(sql: AnySql, epoch: number) {
  const rows = await sql<{ root: Uint8Array; values: number }[]>`
    select root, length(leaves) / 32 as values from auth_gateway.rewrapped_batches where epoch = ${epoch} order by batch`
  return {
    epoch,
    batches: rows.length,
    values: rows.reduce((sum, { values }) => sum + values, 0),
    root: rootOver(rows.map(({ root }) => Buffer.from(root))).toString('base64'),
  }
}
