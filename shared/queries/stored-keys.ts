import type postgres from 'postgres'
import type { StoredKeyDetails, StoredKeyFacts } from '../domain/stored-key.ts'
import type { Personal } from '../personal.ts'

export type StoredKeyRecord = StoredKeyDetails &
  StoredKeyFacts & {
    id: string
    projectId: string
    organizationId: string
    createdBy: string
    /** As given; empty once it was destroyed. */
    value: string
    reads: number
    lastRotated?: Date
    createdAt: Date
    updatedAt: Date
    version: number
    wrappedKey: Uint8Array | null
  }

type Row = {
  id: string
  project_id: string
  organization_id: string
  created_by: string
  details: string | null
  key_type: string
  environment: string
  access_level: string
  status: string
  rotation_frequency: string | null
  expires_at: Date | null
  last_rotated: Date | null
  created_at: Date
  updated_at: Date
  version: number
  wrapped_key: Uint8Array | null
  sealed: Uint8Array | null
  reads: number | null
}

const NOTHING: StoredKeyDetails = { name: '', tags: [], metadata: {} }

function toRecord(personal: Personal, row: Row): StoredKeyRecord {
  const { created_by: subject, wrapped_key } = row
  const key = wrapped_key ? personal.unwrap(subject, wrapped_key) : undefined
  const open = (sealed: string | null | undefined) => (key && sealed ? personal.open(subject, key, sealed) : undefined)
  const details = open(row.details)
  return {
    ...(details ? JSON.parse(details) : NOTHING),
    id: row.id,
    projectId: row.project_id,
    organizationId: row.organization_id,
    createdBy: subject,
    value: open(row.sealed && Buffer.from(row.sealed).toString('base64')) ?? '',
    keyType: row.key_type,
    environment: row.environment,
    accessLevel: row.access_level,
    status: row.status,
    rotationFrequency: row.rotation_frequency ?? undefined,
    expiresAt: row.expires_at?.toISOString(),
    reads: row.reads ?? 0,
    lastRotated: row.last_rotated ?? undefined,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    version: row.version,
    wrappedKey: wrapped_key,
  }
}

const columns = (sql: postgres.Sql) => sql`
  select k.*, s.wrapped_key, e.sealed, r.reads
  from auth_gateway.stored_keys k
  left join auth_gateway.subject_keys s on s.subject = k.created_by
  left join auth_gateway.event_secrets e on e.event_id = k.value_event and e.name = 'stored_value'
  left join auth_gateway.stored_key_reads r on r.key_id = k.id`

/** The keys of a project, oldest first. */
export async function listStoredKeys(
  sql: postgres.Sql,
  personal: Personal,
  projectId: string,
): Promise<StoredKeyRecord[]> {
  const rows = await sql<Row[]>`${columns(sql)}
    where k.project_id = ${projectId} and not k.removed order by k.created_at, k.id`
  return rows.map((row) => toRecord(personal, row))
}

export async function findStoredKey(
  sql: postgres.Sql,
  personal: Personal,
  id: string,
): Promise<StoredKeyRecord | undefined> {
  const [row] = await sql<Row[]>`${columns(sql)} where k.id = ${id} and not k.removed`
  return row && toRecord(personal, row)
}

/** Data to validate a new or renamed key. One statement. */
export async function findForStoredKey(
  sql: postgres.Sql,
  input: { projectId: string; nameDigest: Uint8Array },
): Promise<{ taken?: string; live: number }> {
  const [row] = await sql<{ taken: string | null; live: number }[]>`
    select (select k.id from auth_gateway.stored_keys k where k.project_id = ${input.projectId}
        and k.name_digest = ${Buffer.from(input.nameDigest)} and not k.removed) as taken,
      (select count(*)::int from auth_gateway.stored_keys k where k.project_id = ${input.projectId} and not k.removed) as live`
  return { taken: row?.taken ?? undefined, live: row?.live ?? 0 }
}

/** Counts a read of a key's value. */
export async function noteStoredKeyRead(sql: postgres.Sql, id: string): Promise<void> {
  await sql`select auth_gateway.note_stored_key_read(${id})`
}
