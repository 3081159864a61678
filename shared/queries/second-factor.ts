import type postgres from 'postgres'
import type { PendingSignIn } from '../domain/pending-sign-in.ts'
import type { Personal } from '../personal.ts'
import { type Client, clientColumn } from './api-clients.ts'
import { joinPerson, type Person, type PersonRow, toPerson } from './person.ts'

export type RememberedDeviceRow = {
  id: string
  uai: string
  userAgent?: string
  rememberedAt: Date
  expiresAt: Date
  version: number
  wrappedKey: Uint8Array | null
}

/** The browsers in which a person is not asked for the second factor, newest first. */
export async function listRememberedDevices(
  sql: postgres.Sql,
  personal: Personal,
  { members }: Pick<Person, 'members'>,
): Promise<(RememberedDeviceRow & { keyHash: string })[]> {
  const rows = await sql`
    select d.*, k.wrapped_key from auth_gateway.remembered_devices d left join auth_gateway.subject_keys k on k.subject = d.uai
    where d.uai = any (${members}) and not d.forgotten and d.expires_at > now()
    order by d.remembered_at desc`
  return rows.map((row) => ({
    id: row.id,
    uai: row.uai,
    keyHash: row.key_hash,
    userAgent: personal.opener(row.uai, row.wrapped_key)(row.user_agent),
    rememberedAt: row.remembered_at,
    expiresAt: row.expires_at,
    version: row.version,
    wrappedKey: row.wrapped_key,
  }))
}

type PendingRow = { pending_uai: string | null; completed: boolean; expires_at: Date; pending_version: number }

/** A sign-in that waits for its second factor, its person, the client that it is for, and the default resources. One statement. */
export async function findPending(
  sql: postgres.Sql,
  personal: Personal,
  { id, uai, clientId }: { id: string; uai: string; clientId?: string },
): Promise<{
  pending?: { state: PendingSignIn; version: number }
  person?: Person
  client?: Client
  resources: string[]
}> {
  const [row] = await sql<(PersonRow & PendingRow & { client: Client | null; resources: string[] })[]>`
    select i.*, ${clientColumn(sql, clientId)},
      array(select r.identifier from auth_gateway.protected_resources r where r.is_default) as resources,
      p.uai as pending_uai, p.completed, p.expires_at, p.version as pending_version
    from (select 1) as one left join auth_gateway.pending_sign_ins p on p.id = ${id}::uuid
    ${joinPerson(sql, sql`${uai}::uuid`)}`
  if (!row) throw new Error('lookup returned no row')
  const { pending_uai: of, completed, expires_at: expiresAt, pending_version: version } = row
  const state = (uai: string): PendingSignIn =>
    completed ? { status: 'completed', uai } : { status: 'open', uai, expiresAt }
  return {
    pending: of === null ? undefined : { state: state(of), version },
    person: row.uai ? toPerson(personal, row) : undefined,
    client: row.client ?? undefined,
    resources: row.resources,
  }
}
