import type postgres from 'postgres'
import { type Client, clientColumn, hasClientId } from './api-clients.ts'

/** A client, what a person has allowed it, and the default resources. One statement. */
export async function findForApplication(
  sql: postgres.Sql,
  members: string[],
  clientId: string,
): Promise<{ client?: Client; consent?: { scopes: string[]; resources: string[] }; resources: string[] }> {
  const [row] = await sql<
    { client: Client | null; consent: { scopes: string[]; resources: string[] } | null; resources: string[] | null }[]
  >`
    select ${clientColumn(sql, clientId)},
      (select to_jsonb(n) from auth_gateway.consents n join auth_gateway.api_clients c on c.id = n.client_id
        where n.uai = any (${members}) and ${hasClientId(sql, clientId)}
        order by n.granted_at desc limit 1) as consent,
      (select array_agg(r.identifier) from auth_gateway.protected_resources r where r.is_default) as resources`
  return { client: row?.client ?? undefined, consent: row?.consent ?? undefined, resources: row?.resources ?? [] }
}
