import { existsSync } from 'node:fs'
import path from 'node:path'
import type postgres from 'postgres'
import type { Finding } from './findings.ts'
import { hashOf } from './hash-of.ts'

type Made = {
  position: string | null
  stream_id: string
  file: string | null
  sha256: string
  said: string
  is: string
}

/**
 * Compares what was taken out of the store with what the events of the archives say, and their files with those at hand.
 * @param folder where the files are; without it they are not looked at
 */
export async function verifyArchives(
  sql: postgres.TransactionSql,
  report: (finding: Finding) => void,
  folder: string | undefined,
): Promise<void> {
  const made = await sql<Made[]>`
    select e.position::text, coalesce(e.stream_id, a.archive_id) as stream_id, e.data->>'file' as file, e.data->>'sha256' as sha256,
      e.data->>'positionsSha256' as said, a.sha256 as is
    from (select * from auth_gateway.event_store where stream_type = 'archive') e
    full join (
      select l.archive_id, encode(sha256(convert_to(coalesce(string_agg(x.position || E'\n', '' order by x.position), ''), 'UTF8')), 'hex') as sha256
      from (select distinct archive_id from auth_gateway.archived_leaves) l
      left join auth_gateway.archived_events x on x.archive_id = l.archive_id
      group by l.archive_id) a on a.archive_id = e.stream_id`
  for (const { position, stream_id, file, sha256, said, is } of made) {
    const where = { stream_type: 'archive', stream_id, ...(position !== null && { position: Number(position) }) }
    if (said !== is) report({ fault: 'archive_differs', table: 'archived_leaves', ...where })
    if (folder === undefined || file === null) continue
    const place = path.join(folder, path.basename(file))
    if (!existsSync(place)) report({ fault: 'archive_missing', table: file, ...where })
    else if ((await hashOf(place)) !== sha256) report({ fault: 'archive_file_differs', table: file, ...where })
  }
}
