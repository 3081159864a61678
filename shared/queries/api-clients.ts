import type postgres from 'postgres'
import type { ClientMetadata, ClientSecret } from '../domain/api-client.ts'

export type Client = {
  id: string
  client_id: string
  status: 'active' | 'suspended' | 'deleted'
  first_party: boolean
  origin: 'seed' | 'operator' | 'dynamic' | 'document'
  metadata: ClientMetadata
  secrets: ClientSecret[]
  registration_token_hash: string | null
  created_at: string
  identity_changed_at: string
  version: number
}

/** Whether a client, named `c` in the statement, has this public id. */
export const hasClientId = (sql: postgres.Sql, clientId: string | undefined) => sql`
  auth_gateway.client_key(c.client_id) = auth_gateway.client_key(${clientId ?? null}::text)`

/** A client row as JSON, found by its public id in any case; null when unknown. */
export const clientColumn = (sql: postgres.Sql, clientId: string | undefined) => sql`
  (select to_jsonb(c) from auth_gateway.api_clients c where ${hasClientId(sql, clientId)}) as client`

/** Whether people look at this client's name for the first time: nobody of the ecosystem knows who made it. */
export function isStranger({ origin }: Client): boolean {
  return origin === 'dynamic' || origin === 'document'
}

export async function findClient(sql: postgres.Sql, clientId: string): Promise<Client | undefined> {
  const [row] = await sql<{ client: Client | null }[]>`select ${clientColumn(sql, clientId)}`
  return row?.client ?? undefined
}

export async function listClients(sql: postgres.Sql): Promise<Client[]> {
  const rows = await sql<{ client: Client }[]>`
    select to_jsonb(c) as client from auth_gateway.api_clients c where c.status <> 'deleted' order by lower(c.client_id)`
  return rows.map((row) => row.client)
}
