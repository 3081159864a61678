import type postgres from 'postgres'
import { atOnce } from '../at-once.ts'
import type { RateLimit, StoredEvent } from '../events/store.ts'
import type { Personal } from '../personal.ts'
import type { Client } from './api-clients.ts'
import type { SupabaseResource } from './authorizations.ts'
import { eventsColumn } from './event-records.ts'
import type { PersonRow, SessionRow } from './person.ts'
import { limitsParameter, waitColumn } from './rate-limits.ts'
import { type SignedIn, toSignedIn } from './sessions.ts'

type DeviceRow = {
  events: StoredEvent[]
  /** Base64. */
  wrappedKey: string | null
  client: Client | null
  session: SessionRow | null
  person: PersonRow | null
  supabase: SupabaseResource | null
  wait: number
}

type PolledDevice = {
  events: StoredEvent[]
  wrappedKey?: Uint8Array
  client?: Client
  signedIn?: SignedIn
  /** The Supabase project that the tokens are for. */
  supabase?: SupabaseResource
  wait: number
}

/** A device code's events and data key, the polling client and the person who approved. One statement. */
export async function findDevice(
  sql: postgres.Sql,
  personal: Personal,
  input: { id?: string; clientId?: string; limits: RateLimit[] },
): Promise<PolledDevice> {
  const [row] = await atOnce(sql<{ found: DeviceRow }[]>`
    select auth_gateway.find_device(${input.id ?? null}, ${input.clientId ?? null}, ${limitsParameter(sql, input.limits)}) as found`)
  if (!row) throw new Error('lookup returned no row')
  const { events, client, wait, wrappedKey, supabase } = row.found
  const key = wrappedKey ? Buffer.from(wrappedKey, 'base64') : undefined
  return {
    ...{ events, wait, wrappedKey: key },
    client: client ?? undefined,
    signedIn: toSignedIn(personal, row.found),
    supabase: supabase ?? undefined,
  }
}

export type OpenDevice = {
  id: string
  events: StoredEvent[]
  client: Client
  wrappedKey: Uint8Array | null
  scope: string[]
  resources: string[]
  requestedAt: Date
  /** Where the request came from. */
  origin: { ip?: string; userAgent?: string }
}

/** The pending authorization of a user code, the caller, and the seconds until the limits open. One statement. */
export async function findByUserCode(
  sql: postgres.Sql,
  personal: Personal,
  input: { userCodeHash: string; limits: RateLimit[] },
): Promise<{ device?: OpenDevice; wait: number }> {
  const [row] = await sql<(Omit<OpenDevice, 'origin'> & { origin: string | null; wait: number })[]>`
    select d.id, ${eventsColumn(sql, 'device_authorization', sql`d.id`)}, to_jsonb(c) as client, k.wrapped_key as "wrappedKey", d.scope,
      d.resources, d.requested_at as "requestedAt", d.origin, ${waitColumn(sql, input.limits)}
    from (select 1) as one
    left join auth_gateway.device_authorizations d
      on d.user_code_hash = ${input.userCodeHash} and d.status = 'pending' and d.expires_at > now()
    left join auth_gateway.api_clients c on c.id = d.client_id
    left join auth_gateway.subject_keys k on k.subject = d.id`
  if (!row?.id) return { wait: row?.wait ?? 0 }
  const { wait, ...device } = row
  const origin = personal.opener(device.id, device.wrappedKey)(device.origin)
  return { device: { ...device, origin: origin ? JSON.parse(origin) : {} }, wait }
}

/** What the notice to a person says of a device they connected. */
export async function findConnected(
  sql: postgres.Sql,
  id: string,
): Promise<{ client: string; requestedAt: Date } | undefined> {
  const [row] = await sql<{ client: string; requestedAt: Date }[]>`
    select c.metadata->>'client_name' as client, d.requested_at as "requestedAt"
    from auth_gateway.device_authorizations d join auth_gateway.api_clients c on c.id = d.client_id where d.id = ${id}`
  return row
}
