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

type Row = Omit<
  StoredKeyRecord,
  keyof StoredKeyDetails | 'value' | 'rotationFrequency' | 'expiresAt' | 'lastRotated'
> & {
  rotationFrequency: string | null
  expiresAt: Date | null
  lastRotated: Date | null
  details: string | null
  sealed: string | null
}

const NOTHING: StoredKeyDetails = { name: '', tags: [], metadata: {} }

function toRecord(personal: Personal, { details: sealedDetails, sealed, ...row }: Row): StoredKeyRecord {
  const open = personal.opener(row.createdBy, row.wrappedKey)
  const details = open(sealedDetails)
  return {
    ...(details ? JSON.parse(details) : NOTHING),
    ...row,
    value: open(sealed) ?? '',
    rotationFrequency: row.rotationFrequency ?? undefined,
    expiresAt: row.expiresAt?.toISOString(),
    lastRotated: row.lastRotated ?? undefined,
  }
}

const columns = (sql: postgres.Sql) => sql`
  select k.id, k.project_id as "projectId", k.organization_id as "organizationId", k.created_by as "createdBy", k.details,
    k.key_type as "keyType", k.environment, k.access_level as "accessLevel", k.status, k.rotation_frequency as "rotationFrequency",
    k.expires_at as "expiresAt", k.last_rotated as "lastRotated", k.created_at as "createdAt", k.updated_at as "updatedAt", k.version,
    s.wrapped_key as "wrappedKey", encode(e.sealed, 'base64') as sealed, coalesce(r.reads, 0) as reads
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

/** Counts a read of a key's value. */
export async function noteStoredKeyRead(sql: postgres.Sql, id: string): Promise<void> {
  await sql`select auth_gateway.note_stored_key_read(${id})`
}
