import type postgres from 'postgres'
import type { Consent } from '../domain/consent.ts'
import { type Client, clientColumn, hasClientId } from './api-clients.ts'

export type GrantedConsent = Consent & { granted_at: string }

/** A client, a person's consent to it, and the default resources. One statement. */
export async function findForApplication(
  sql: postgres.Sql,
  members: string[],
  clientId: string,
): Promise<{ client?: Client; consent?: GrantedConsent; resources: string[] }> {
  const [row] = await sql<{ client: Client | null; consent: GrantedConsent | null; resources: string[] | null }[]>`
    select ${clientColumn(sql, clientId)},
      (select to_jsonb(n) from auth_gateway.consents n join auth_gateway.api_clients c on c.id = n.client_id
        where n.uai = any (${members}) and ${hasClientId(sql, clientId)}
        order by n.granted_at desc limit 1) as consent,
      (select array_agg(r.identifier) from auth_gateway.protected_resources r where r.is_default) as resources`
  return { client: row?.client ?? undefined, consent: row?.consent ?? undefined, resources: row?.resources ?? [] }
}
