import type postgres from 'postgres'
import type { RateLimit, StoredEvent } from '../events/store.ts'
import type { Personal } from '../personal.ts'
import { type Client, clientColumn, hasClientId } from './api-clients.ts'
import { joinPerson, type PersonRow, personColumns, type SessionRow, sessionColumns } from './person.ts'
import { waitColumn } from './rate-limits.ts'
import { type SignedIn, toSignedIn } from './sessions.ts'

export type Resource = { id?: string; identifier: string; name: string; scopes: string[]; is_default: boolean }

export type AuthorizeFacts = {
  client?: Client
  signedIn?: SignedIn
  consent?: { id: string; scopes: string[]; resources: string[]; granted_at: string; version: number }
  resources: Resource[]
}

const resourcesColumn = (sql: postgres.Sql) => sql`
  (select coalesce(jsonb_agg(jsonb_build_object('id', r.id, 'identifier', r.identifier, 'name', r.name, 'scopes', r.scopes,
    'is_default', r.is_default)), '[]') from auth_gateway.protected_resources r) as resources`

/** Client, signed-in person, remembered consent and known resources of an authorization request. One statement. */
export async function findForAuthorize(
  sql: postgres.Sql,
  personal: Personal,
  input: { clientId: string; handle?: { sessionId: string; hash: string } },
): Promise<AuthorizeFacts> {
  const [row] = await sql<
    (PersonRow &
      SessionRow & { client: Client | null; consent: AuthorizeFacts['consent'] | null; resources: Resource[] })[]
  >`
    select ${clientColumn(sql, input.clientId)}, ${resourcesColumn(sql)}, ${personColumns(sql)}, ${sessionColumns(sql)},
      (select to_jsonb(n) from auth_gateway.consents n join auth_gateway.api_clients c on c.id = n.client_id
        where n.uai = any (i.members) and ${hasClientId(sql, input.clientId)} order by n.uai <> i.uai limit 1) as consent
    from (select 1) as one
    left join auth_gateway.sessions s on s.id = ${input.handle?.sessionId ?? null} and s.handle_hash = ${input.handle?.hash ?? null}
    ${joinPerson(sql, sql`s.uai`)}`
  if (!row) throw new Error('a look-up without a row')
  return {
    client: row.client ?? undefined,
    signedIn: row.session_id ? toSignedIn(personal, row) : undefined,
    consent: row.consent ?? undefined,
    resources: row.resources,
  }
}

export type RedemptionFacts = {
  id?: string
  events: StoredEvent[]
  /** The client that presents the code. */
  client?: Client
  signedIn?: SignedIn
  resources: Resource[]
  consent?: AuthorizeFacts['consent']
  /** The client that the request was made by. */
  requestedBy?: Client
  wait: number
}

/**
 * An authorization's history with the client that asks, its person and session. One statement.
 * @param input.pasteHash finds it by the short form of its code
 */
export async function findAuthorization(
  sql: postgres.Sql,
  personal: Personal,
  input: { id?: string; pasteHash?: string; clientId?: string; limits?: RateLimit[] },
): Promise<RedemptionFacts> {
  const [row] = await sql<
    (PersonRow &
      SessionRow & {
        id: string | null
        events: StoredEvent[]
        client: Client | null
        requested_by: Client | null
        consent: AuthorizeFacts['consent'] | null
        resources: Resource[]
        wait: number
      })[]
  >`
    select wanted.id, coalesce((select jsonb_agg(jsonb_build_object('event_id', e.event_id, 'version', e.version, 'type', e.event_type,
        'data', e.data) order by e.version)
        from auth_gateway.event_store e where e.stream_type = 'authorization' and e.stream_id = wanted.id), '[]') as events,
      ${clientColumn(sql, input.clientId)}, to_jsonb(rc) as requested_by, ${resourcesColumn(sql)},
      (select to_jsonb(n) from auth_gateway.consents n where n.uai = any (i.members) and n.client_id = a.client_id
        order by n.uai <> i.uai limit 1) as consent,
      ${waitColumn(sql, input.limits)},
      ${personColumns(sql)}, ${sessionColumns(sql)}
    from (select coalesce(${input.id ?? null}::uuid, (select p.id from auth_gateway.authorizations p
      where p.paste_hash = ${input.pasteHash ?? null})) as id) as wanted
    left join auth_gateway.authorizations a on a.id = wanted.id
    left join auth_gateway.api_clients rc on rc.id = a.client_id
    left join auth_gateway.sessions s on s.id = a.session_id
    ${joinPerson(sql, sql`a.uai`)}`
  if (!row) throw new Error('a look-up without a row')
  return {
    id: row.id ?? undefined,
    events: row.events,
    client: row.client ?? undefined,
    requestedBy: row.requested_by ?? undefined,
    signedIn: row.session_id ? toSignedIn(personal, row) : undefined,
    consent: row.consent ?? undefined,
    resources: row.resources,
    wait: row.wait,
  }
}

/** The client that asks for a token in its own name, and the known resources. One statement. */
export async function findForService(
  sql: postgres.Sql,
  input: { clientId?: string; limits?: RateLimit[] },
): Promise<{ client?: Client; resources: Resource[]; wait: number }> {
  const [row] = await sql<{ client: Client | null; resources: Resource[]; wait: number }[]>`
    select ${clientColumn(sql, input.clientId)}, ${resourcesColumn(sql)}, ${waitColumn(sql, input.limits)}`
  return { client: row?.client ?? undefined, resources: row?.resources ?? [], wait: row?.wait ?? 0 }
}

/** Every resource a token can be made for. */
export async function listResources(sql: postgres.Sql): Promise<Resource[]> {
  const [row] = await sql<{ resources: Resource[] }[]>`select ${resourcesColumn(sql)}`
  return row?.resources ?? []
}
