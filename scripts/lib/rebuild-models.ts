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

export type Rebuilt = {
  model: string
  /** After the rebuild. */
  rows: number
  /** Rows that were in the read model and follow from no event. */
  onlyLive: object[]
  /** Rows that follow from the events and were missing. */
  onlyRebuilt: object[]
  /** Why it could not be rebuilt; its rows are unchanged. */
  failure?: string
}

/** Returns whether the read model already matched the events. */
export function isEqual({ onlyLive, onlyRebuilt, failure }: Rebuilt): boolean {
  return failure === undefined && onlyLive.length === 0 && onlyRebuilt.length === 0
}

/**
 * Rebuilds every read model (or the named ones) from the events, each in its own transaction, and returns where the
 * rows differ from the previous ones. Appends wait meanwhile; the rebuilt rows are kept.
 * @param sql connection of the owner
 */
export async function rebuildModels(sql: postgres.Sql, only: string[] = []): Promise<Rebuilt[]> {
  const models = (await listReadModels(sql)).filter(({ name }) => only.length === 0 || only.includes(name))
  const results: Rebuilt[] = []
  for (const { name } of models) {
    const result = await sql
      .begin((transaction) => rebuild(transaction, name))
      .catch((error: Error) => ({ model: name, rows: 0, onlyLive: [], onlyRebuilt: [], failure: error.message }))
    results.push(result as Rebuilt)
  }
  return results
}

async function rebuild(sql: postgres.TransactionSql, model: string): Promise<Rebuilt> {
  const live = sql`auth_gateway.${sql(model)}`
  await sql`set local statement_timeout = 0`
  await sql`lock table ${live} in access exclusive mode`
  await sql`create temporary table before_rebuild on commit drop as table ${live}`
  await sql`select auth_gateway.rebuild_model(${model})`
  const onlyLive = await sql`
    select to_jsonb(x) as row from (table before_rebuild except all table ${live}) as x`
  const onlyRebuilt = await sql`
    select to_jsonb(x) as row from (table ${live} except all table before_rebuild) as x`
  const [counted] = await sql`select count(*)::int as rows from ${live}`
  return {
    model,
    rows: counted?.rows,
    onlyLive: onlyLive.map(({ row }) => row),
    onlyRebuilt: onlyRebuilt.map(({ row }) => row),
  }
}
