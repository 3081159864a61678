import type postgres from 'postgres'
import type { AccountAccess, ClientMetadata, ClientSecret } from '../domain/api-client.ts'

export type Client = {
  id: string
  client_id: string
  status: 'active' | 'suspended' | 'deleted'
  first_party: boolean
  account_access: AccountAccess
  origin: 'seed' | 'operator' | 'dynamic' | 'document'
  metadata: ClientMetadata
  secrets: ClientSecret[]
  registration_token_hash: string | null
  sharing_key: string | null
  created_at: string
  identity_changed_at: string
  version: number
}

/** Whether a client, named `c` in the statement, has this public id. */
export const hasClientId = (sql: postgres.Sql, clientId: string | undefined) => sql`
  auth_gateway.client_key(c.client_id) = auth_gateway.client_key(${clientId ?? null}::text)`

/** A client row as JSON, by its public id, case-insensitively; null if unknown. */
export const clientColumn = (sql: postgres.Sql, clientId: string | undefined) => sql`
  (select to_jsonb(c) from auth_gateway.api_clients c where ${hasClientId(sql, clientId)}) as client`

/**
 * Registered clients that no one uses: none was used in the month after its last registration, which may be a week after the first, or for
 * half a year.
 * @param most how many are returned at most
 */
export async function listUnusedClients(sql: postgres.Sql, most: number): Promise<Client[]> {
  const rows = await sql<{ client: Client }[]>`
    select to_jsonb(c) as client from auth_gateway.api_clients c
    where c.origin = 'dynamic' and c.status = 'active' and c.created_at < now() - interval '37 days'
      and not exists (select 1 from auth_gateway.token_families f where f.client_id = c.id
        and (f.started_at > now() - interval '180 days' or (f.revoked_at is null and f.expires_at > now())))
      and not exists (select 1 from auth_gateway.archived_uses u where u.id = c.id and u.last_used_at > now() - interval '180 days')
    order by c.created_at limit ${most}`
  return rows.map((row) => row.client)
}

/** Whether no operator knows who made this client, so that its name is not verified. */
export function isStranger({ origin }: Client): boolean {
  return origin === 'dynamic' || origin === 'document'
}

export async function findClient(sql: postgres.Sql, clientId: string): Promise<Client | undefined> {
  const [row] = await sql<{ client: Client | null }[]>`select ${clientColumn(sql, clientId)}`
  return row?.client ?? undefined
}

/** The client to share with another registration of the same metadata. */
export async function findSharedClient(sql: postgres.Sql, sharingKey: string): Promise<Client | undefined> {
  const [row] = await sql<{ client: Client }[]>`
    select to_jsonb(c) as client from auth_gateway.api_clients c where c.sharing_key = ${sharingKey}`
  return row?.client
}

export async function listClients(sql: postgres.Sql): Promise<Client[]> {
  const rows = await sql<{ client: Client }[]>`
    select to_jsonb(c) as client from auth_gateway.api_clients c where c.status <> 'deleted' order by lower(c.client_id)`
  return rows.map((row) => row.client)
}

/** A client that is known by a metadata document, and how fresh it is. One statement. */
export async function findClientDocument(
  sql: postgres.Sql,
  clientId: string,
): Promise<{ client?: Client; isFresh: boolean; ageSeconds: number }> {
  const [row] = await sql<{ client: Client | null; isFresh: boolean; ageSeconds: number }[]>`
    select k.client, coalesce(d.fresh_until > now(), false) as "isFresh",
      coalesce(extract(epoch from now() - d.fetched_at)::float8, 'infinity') as "ageSeconds"
    from (select ${clientColumn(sql, clientId)}) k
    left join auth_gateway.client_documents d on d.client_id = (k.client->>'id')::uuid`
  if (!row) throw new Error('lookup returned no row')
  return { ...row, client: row.client ?? undefined }
}

/** Records that a client's document was fetched now. @param seconds for which it is fresh */
export async function noteClientDocument(sql: postgres.Sql, id: string, seconds: number): Promise<void> {
  await sql`select auth_gateway.note_client_document(${id}, ${Math.round(seconds)})`
}
