import type postgres from 'postgres'

type AdminStatus = {
  identities: number
  live_sessions: number
  clients: number
  live_api_keys: number
  /** Of the last 24 hours. */
  refused_requests: number
  last_event_at: string | null
}

/** Counts of everything, for platform operators. One statement. */
export async function readAdminStatus(sql: postgres.Sql): Promise<AdminStatus> {
  const [row] = await sql<{ status: AdminStatus }[]>`
    select json_build_object(
      'identities', (select count(*) from auth_gateway.identities),
      'live_sessions', (select count(*) from auth_gateway.sessions where ended_at is null and expires_at > now()),
      'clients', (select count(*) from auth_gateway.api_clients where status = 'active'),
      'live_api_keys', (select count(*) from auth_gateway.api_keys
        where status = 'active' and (expires_at is null or expires_at > now())),
      'refused_requests', (select coalesce(sum(count), 0) from auth_gateway.refused_requests
        where refused_at > now() - interval '24 hours'),
      'last_event_at', (select recorded_at from auth_gateway.event_store order by position desc limit 1)
    ) as status`
  if (!row) throw new Error('no status')
  return row.status
}
