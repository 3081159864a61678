import type postgres from 'postgres'

/** Other subjects with their own data key, such as messages, that contain the person's addresses. */
export async function subjectsOfAddresses(sql: postgres.Sql, uai: string): Promise<string[]> {
  const [row] = await sql<{ subjects: string[] }[]>`
    select auth_gateway.subjects_of_addresses(${uai})::text[] as subjects`
  return row?.subjects ?? []
}

/** Destroys the data key and digests of an erased person; returns the number of keys. */
export async function forgetErased(sql: postgres.Sql, uai: string): Promise<number> {
  const [row] = await sql<{ keys: number }[]>`select auth_gateway.forget_erased(${uai}) as keys`
  return row?.keys ?? 0
}

type ErasureFacts = { event_id: string; recorded_at: Date; hash: string; keys: number; digests: number }

/** The erasure event, and the number of the person's remaining keys and digests. */
export async function erasureFacts(
  sql: postgres.Sql,
  uai: string,
  members: string[],
): Promise<ErasureFacts | undefined> {
  const [row] = await sql<ErasureFacts[]>`
    select e.event_id, e.recorded_at, encode(e.hash, 'hex') as hash,
      (select count(*) from auth_gateway.subject_keys where subject = any (${members}))::int as keys,
      (select count(*) from auth_gateway.lookup_digests where subject = any (${members}))::int as digests
    from auth_gateway.event_store e
    where e.stream_type = 'identity' and e.stream_id = ${uai} and e.event_type = 'IdentityErased'`
  return row
}
