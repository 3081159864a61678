import type postgres from 'postgres'
import { type Client, clientColumn } from './api-clients.ts'

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
