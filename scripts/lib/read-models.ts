import type postgres from 'postgres'

export type ReadModel = {
  /** Its table. */
  name: string
  /** The streams it is made from. */
  streamType: string
  /** Column with the stream's id, if a row belongs to one stream and has its version. */
  streamColumn?: string
}

/** Lists every read model of the database, by name. */
export async function listReadModels(sql: postgres.ISql<Record<never, never>>): Promise<ReadModel[]> {
  const rows = await sql<{ name: string; streamType: string; key: string | null }[]>`
    select m.name, m.stream_type as "streamType", (
      select min(a.attname) from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any (i.indkey)
      where i.indrelid = c.oid and i.indisprimary and a.atttypid = 'uuid'::regtype
        and exists (select from pg_attribute v where v.attrelid = c.oid and v.attname = 'version' and not v.attisdropped)
      having count(*) = 1) as key
    from auth_gateway.read_models m
    join pg_class c on c.relname = m.name and c.relnamespace = 'auth_gateway'::regnamespace
    order by m.name`
  return rows.map(({ key, ...model }) => ({ ...model, streamColumn: key ?? undefined }))
}
