import type postgres from 'postgres'

export type ReadModel = {
  /** Table, and what follows `rebuild_`. */
  name: string
  /** The streams it is made from. */
  streamTypes: string[]
  /** Column that holds the stream's id, where a row stands for a stream and has its version. */
  streamColumn?: string
}

/** Every read model of the database: each has a `rebuild_<model>()`, which names its stream types. */
export async function listReadModels(sql: postgres.ISql<Record<never, never>>): Promise<ReadModel[]> {
  const rows = await sql<{ name: string; source: string; key: string | null }[]>`
    select substr(p.proname, 9) as name, p.prosrc as source,
      (select min(a.attname) from pg_index i
       join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any (i.indkey)
       where i.indrelid = c.oid and i.indisprimary and a.atttypid = 'uuid'::regtype
         and exists (select 1 from pg_attribute v where v.attrelid = c.oid and v.attname = 'version' and not v.attisdropped)
       having count(*) = 1) as key
    from pg_proc p
    join pg_class c on c.relnamespace = p.pronamespace and c.relname = substr(p.proname, 9) and c.relkind in ('r', 'p')
    where p.pronamespace = 'auth_gateway'::regnamespace and p.proname like 'rebuild\\_%' and p.pronargs = 0
    order by name`
  return rows.map(({ name, source, key }) => ({
    name,
    streamTypes: streamTypesOf(source),
    streamColumn: key ?? undefined,
  }))
}

function streamTypesOf(source: string): string[] {
  const lists = source.matchAll(/stream_type\s*(?:=|in)\s*\(?\s*((?:'\w+'\s*,?\s*)+)/g)
  return [...lists].flatMap(([, list = '']) => list.match(/\w+/g) ?? [])
}
