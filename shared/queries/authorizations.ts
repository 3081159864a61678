import type postgres from 'postgres'
import { atOnce } from '../at-once.ts'
import type { RateLimit, StoredEvent } from '../events/store.ts'
import type { Personal } from '../personal.ts'
import type { Client } from './api-clients.ts'
import { eventsColumn } from './event-records.ts'
import type { PersonRow, SessionRow } from './person.ts'
import { limitsParameter } from './rate-limits.ts'
import { type SignedIn, toSignedIn } from './sessions.ts'

/** A resource that is a Supabase project. */
export type SupabaseResource = {
  id: string
  identifier: string
  /** The provider under which people's user ids in that project are linked here, if they are. */
  accounts?: string | null
}

export type Resource = {
  id?: string
  identifier: string
  name: string
  scopes: string[]
  is_default: boolean
  /** Set for a Supabase project. */
  supabase?: Pick<SupabaseResource, 'accounts'> | null
  /** The gateway's own account API. */
  is_account?: true
}

export type AuthorizeFacts = {
  client?: Client
  signedIn?: SignedIn
  consent?: { id: string; scopes: string[]; resources: string[]; granted_at: string; version: number }
  resources: Resource[]
}

type FoundRow = {
  client: Client | null
  session: SessionRow | null
  person: PersonRow | null
  consent: AuthorizeFacts['consent'] | null
  resources: Resource[]
}

/** Client, signed-in person, remembered consent and known resources of an authorization request. One statement. */
export async function findForAuthorize(
  sql: postgres.Sql,
  personal: Personal,
  input: { clientId: string; handle?: { sessionId: string; hash: string } },
): Promise<AuthorizeFacts> {
  const { clientId, handle } = input
  const [row] = await atOnce(sql<{ found: FoundRow }[]>`
    select auth_gateway.find_for_authorize(${clientId}, ${handle?.sessionId ?? null}, ${handle?.hash ?? null}) as found`)
  if (!row) throw new Error('lookup returned no row')
  const { client, consent, resources } = row.found
  return {
    client: client ?? undefined,
    signedIn: toSignedIn(personal, row.found),
    consent: consent ?? undefined,
    resources,
  }
}

type RedemptionFacts = {
  id?: string
  events: StoredEvent[]
  /** The client that presents the code. */
  client?: Client
  signedIn?: SignedIn
  resources: Resource[]
  consent?: AuthorizeFacts['consent']
  /** The client that made the request. */
  requestedBy?: Client
  wait: number
}

type AuthorizationRow = FoundRow & {
  id: string | null
  events: StoredEvent[]
  requested_by: Client | null
  wait: number
}

/**
 * An authorization's events with the requesting client, its person and session. One statement.
 * @param input.pasteHash hash of its manual code, to find it by
 */
export async function findAuthorization(
  sql: postgres.Sql,
  personal: Personal,
  input: { id?: string; pasteHash?: string; clientId?: string; limits?: RateLimit[] },
): Promise<RedemptionFacts> {
  const { id, pasteHash, clientId } = input
  const [row] = await atOnce(sql<{ found: AuthorizationRow }[]>`
    select auth_gateway.find_authorization(${id ?? null}, ${pasteHash ?? null}, ${clientId ?? null},
      ${limitsParameter(sql, input.limits)}) as found`)
  if (!row) throw new Error('lookup returned no row')
  const { found } = row
  return {
    id: found.id ?? undefined,
    events: found.events,
    client: found.client ?? undefined,
    requestedBy: found.requested_by ?? undefined,
    signedIn: toSignedIn(personal, found),
    consent: found.consent ?? undefined,
    resources: found.resources,
    wait: found.wait,
  }
}

/** The client of a client-credentials request, and the known resources. One statement. */
export async function findForService(
  sql: postgres.Sql,
  input: { clientId?: string; limits?: RateLimit[] },
): Promise<{ client?: Client; resources: Resource[]; wait: number }> {
  const [row] = await atOnce(sql<{ found: { client: Client | null; resources: Resource[]; wait: number } }[]>`
    select auth_gateway.find_for_service(${input.clientId ?? null}, ${limitsParameter(sql, input.limits)}) as found`)
  if (!row) throw new Error('lookup returned no row')
  return { ...row.found, client: row.found.client ?? undefined }
}

/** Every resource that a token can be issued for. */
export async function listResources(sql: postgres.Sql): Promise<Resource[]> {
  const [row] = await sql<{ resources: Resource[] }[]>`select auth_gateway.resources_json() as resources`
  return row?.resources ?? []
}

/** A pushed request's events, and its parameters while they are stored. One statement. */
export async function findPushed(
  sql: postgres.Sql,
  id: string,
): Promise<{ events: StoredEvent[]; sealedParameters?: Uint8Array }> {
  const [row] = await sql<{ events: StoredEvent[]; sealed: Uint8Array | null }[]>`
    select ${eventsColumn(sql, 'authorization', sql`${id}`)},
      (select s.sealed from auth_gateway.event_secrets s where s.stream_id = ${id} and s.name = 'parameters'
        and s.expires_at > now()) as sealed`
  return { events: row?.events ?? [], sealedParameters: row?.sealed ?? undefined }
}
