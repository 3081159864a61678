import type postgres from 'postgres'
import { type Named, nameLookup } from '../domain/names.ts'
import type { Personal } from '../personal.ts'

/** The things of one kind in a place, as `n`: `id`, `name_digest`, and whether it counts towards the limit. */
const thingsIn = (sql: postgres.Sql, kind: Named, place: string) => {
  switch (kind) {
    case 'api-key':
      return sql`select k.id, k.name_digest, k.status = 'active' as counts from auth_gateway.api_keys k
        where k.owner_id = ${place} and k.status in ('active', 'quarantined')`
    case 'project':
      return sql`select p.id, p.name_digest, true as counts from auth_gateway.projects p
        where p.owner_id = ${place} and p.status = 'active'`
    case 'stored-key':
      return sql`select k.id, k.name_digest, true as counts from auth_gateway.stored_keys k
        where k.project_id = ${place} and not k.removed`
  }
}

/** Reads what has a name in a place, and how many such things there are. One statement. */
export async function findName(
  sql: postgres.Sql,
  personal: Personal,
  { kind, place, name }: { kind: Named; place: string; name: string },
): Promise<{ taken: string | null; count: number }> {
  const digest = personal.digest(nameLookup(kind, place, name))
  const [row] = await sql<{ taken: string | null; count: number }[]>`
    select min(n.id::text) filter (where n.name_digest = ${digest}) as taken, count(*) filter (where n.counts)::int as count
    from (${thingsIn(sql, kind, place)}) n`
  return row ?? { taken: null, count: 0 }
}
