import type { AnySql } from './event-records.ts'

/** An archived event: its former position, and its leaf in the audit tree. */
export type ArchivedLeaf = { position: string; archive: string; leaf: Uint8Array }

/** The next archived events after a position. */
export function archivedLeaves(
  sql: AnySql,
  { after, limit }: { after: string; limit: number },
): Promise<ArchivedLeaf[]> {
  return sql<ArchivedLeaf[]>`
    select a.position::text, a.archive_id as archive, a.leaf from auth_gateway.archived_events a
    where a.position > ${after} and a.tile >= coalesce((
      select t.index from auth_gateway.audit_tiles t
      where t.level = 0 and t.first_position <= ${after} order by t.first_position desc limit 1), 0)
    order by a.tile, a.position limit ${limit}`
}
