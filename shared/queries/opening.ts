import type postgres from 'postgres'
import { atOnce, useAtOnce } from '../at-once.ts'
import type { SealingPurpose } from '../tokens/key-ring.ts'
import type { StoredRing } from '../tokens/roots.ts'
import { secretOf } from './event-secrets.ts'

/** The state of a database that a process checks before it serves from it. */
export type DatabaseState = {
  /** The key ring; null in a new database. */
  ring: StoredRing | null
  /** Whether the needed migration is applied: one of that number and name. */
  isMigrated: boolean
  /** The domain of the first passkey, which is that of all; null before it is registered. */
  relyingParty: string | null
  newestMigration: string | null
  now: Date
  /** Triggers of the event store that are missing, or disabled somewhere. */
  disabledTriggers: string[]
  /** Roles other than the owner and `auth_gateway_app` that may use the schema. */
  foreignRoles: string[]
}

/** Reads that state in one statement with few catalog lookups, since a cold start waits for it. */
export async function readDatabaseState(
  sql: postgres.Sql,
  needed: { version: string; name: string },
): Promise<DatabaseState> {
  const [row] = await sql<DatabaseState[]>`
    select auth_gateway.read_key_ring() as ring,
      exists (select from auth_gateway.migrations m where m.version = ${needed.version} and m.name = ${needed.name}) as "isMigrated",
      (select p.rp_id from auth_gateway.passkeys p order by p.id limit 1) as "relyingParty",
      (select max(m.version) from auth_gateway.migrations m) as "newestMigration", clock_timestamp() as now,
      array(select g.name from unnest(array['append_only_rows', 'append_only_table', 'project_event']) as g(name)
        where current_setting('session_replication_role') = 'replica' or not exists (
          select 1 from pg_trigger t where t.tgrelid = 'auth_gateway.event_store'::regclass and t.tgname = g.name)
        union select t.tgname::text from pg_trigger t join pg_class c on c.oid = t.tgrelid
        where c.relnamespace = n.oid and t.tgenabled not in ('O', 'A') and not t.tgisinternal) as "disabledTriggers",
      array(select distinct coalesce(r.rolname, 'public')::text
        from aclexplode(n.nspacl) x left join pg_roles r on r.oid = x.grantee
        where x.grantee <> n.nspowner and r.rolname is distinct from 'auth_gateway_app') as "foreignRoles"
    from pg_namespace n where n.nspname = 'auth_gateway'`
  if (!row) throw new Error('database state returned no row')
  return row
}

/** A value that the keys of a database have sealed; undefined if there is none. */
export async function sealedExample(
  sql: postgres.Sql,
): Promise<{ purpose: SealingPurpose; context: string; sealed: Uint8Array } | undefined> {
  const [row] = await sql<{ purpose: SealingPurpose; context: string; sealed: Uint8Array }[]>`
    (select 'subject-key-wrapping' as purpose, k.subject::text as context, k.wrapped_key as sealed
      from auth_gateway.subject_keys k order by k.subject limit 1)
    union all
    (select 'signing-key', k.kid, ${secretOf(sql, sql`k.created_by`, 'private_jwk')} from auth_gateway.signing_keys k order by k.id limit 1)
    limit 1`
  return row?.sealed ? row : undefined
}

/** Stores the key ring of a new database; returns the effective one. */
export async function keepKeyRing(
  sql: postgres.Sql,
  { root, wrapped, keys }: Omit<StoredRing, 'version'>,
): Promise<StoredRing> {
  const [row] = await sql<{ kept: StoredRing }[]>`
    select auth_gateway.keep_key_ring(${root}, ${Buffer.from(wrapped, 'base64')}, ${sql.json(keys)}) as kept`
  if (!row) throw new Error('the key ring was not stored')
  return row.kept
}

/**
 * Tests whether `atOnce` passes every kind of parameter unchanged, since it overrides a private member of the driver. If not, the process
 * sends all statements as the driver does it, in two round trips. For a database that has just answered.
 * @returns whether it works
 */
export async function testAtOnce(sql: postgres.Sql): Promise<boolean> {
  useAtOnce(true)
  const sent = {
    text: `it's "text"`,
    number: 7,
    nothing: null,
    bytes: '00ff',
    date: 1_767_225_600_123,
    json: '{"a": [1]}',
  }
  const [row] = await atOnce(sql`
    select ${sent.text}::text as text, ${sent.number}::integer as number, ${sent.nothing}::text as nothing,
      ${Buffer.from(sent.bytes, 'hex')}::bytea as bytes, ${new Date(sent.date)}::timestamptz as date,
      ${sql.json(JSON.parse(sent.json))}::jsonb::text as json`).catch(() => [])
  const received = row && { ...row, bytes: row.bytes?.toString('hex'), date: row.date?.getTime() }
  const works = JSON.stringify(received) === JSON.stringify(sent)
  useAtOnce(works)
  return works
}

/** Adds keys to the ring, if it is of that version. */
export async function addToKeyRing(sql: postgres.Sql, version: number, keys: StoredRing['keys']): Promise<void> {
  await sql`select auth_gateway.add_to_key_ring(${version}, ${sql.json(keys)})`
}

/** The key ring, unless it is the known version. */
export async function changedKeyRing(sql: postgres.Sql, known: number): Promise<StoredRing | undefined> {
  const [row] = await sql<{ ring: StoredRing }[]>`
    select auth_gateway.read_key_ring() as ring from auth_gateway.key_root r where r.version <> ${known}`
  return row?.ring
}
