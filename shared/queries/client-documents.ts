import type postgres from 'postgres'
import { type Client, clientColumn } from './api-clients.ts'

/** A client that is known by a metadata document, and how fresh it is. One statement. */
export async function findClientDocument(
  sql: postgres.Sql,
  clientId: string,
): Promise<{ client?: Client; isFresh: boolean; ageSeconds: number }> {
  const [row] = await sql<{ client: Client | null; is_fresh: boolean | null; age: number | null }[]>`
    select k.client, d.fresh_until > now() as is_fresh, extract(epoch from now() - d.fetched_at)::float8 as age
    from (select ${clientColumn(sql, clientId)}) k
    left join auth_gateway.client_documents d on d.client_id = (k.client->>'id')::uuid`
  return {
    client: row?.client ?? undefined,
    isFresh: row?.is_fresh ?? false,
    ageSeconds: row?.age ?? Number.POSITIVE_INFINITY,
  }
}

/** Records that a client's document was fetched now. @param seconds for which it is fresh */
export async function noteClientDocument(sql: postgres.Sql, id: string, seconds: number): Promise<void> {
  await sql`select auth_gateway.note_client_document(${id}, ${Math.round(seconds)})`
}
