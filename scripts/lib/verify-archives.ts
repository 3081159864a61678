import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type postgres from 'postgres'
import type { Report } from './findings.ts'
import { positionsSha256 } from './months.ts'
import { RefusedError } from './terminal.ts'

const VERIFIER = fileURLToPath(new URL('../verify-export.mjs', import.meta.url))
const NOTHING = createHash('sha256').digest('hex')

type Made = {
  position: string | null
  stream_id: string
  file: string | null
  sha256: string | null
  said: string | null
  is: string | null
}

/**
 * Compares the archived leaves with the events of the archives, and the files of the archives with those events.
 * @param outside.archives the folder of the files; without it they are not checked
 * @param outside.keys the verifier keys of the log
 * @returns the number of archives
 */
export async function verifyArchives(
  sql: postgres.TransactionSql,
  report: Report,
  { archives: folder, keys }: { archives?: string; keys?: string[] },
): Promise<number> {
  const made = await sql<Made[]>`
    select e.position::text, coalesce(e.stream_id, a.archive_id) as stream_id, e.data->>'file' as file, e.data->>'sha256' as sha256,
      e.data->>'positionsSha256' as said, a.sha256 as is
    from (select * from auth_gateway.event_store where stream_type = 'archive') e
    full join (
      select l.archive_id, ${positionsSha256(sql)} as sha256
      from (select distinct archive_id from auth_gateway.archived_leaves) l
      left join auth_gateway.archived_events x on x.archive_id = l.archive_id
      group by l.archive_id) a on a.archive_id = e.stream_id`
  for (const { position, stream_id, file, sha256, said, is } of made) {
    const where = { stream_type: 'archive', stream_id, position }
    // A month in which nothing happened has no leaves.
    if ((said ?? NOTHING) !== (is ?? NOTHING)) report({ fault: 'archive_differs', table: 'archived_leaves', ...where })
    if (folder === undefined || file === null) continue
    const place = path.join(folder, path.basename(file))
    if (!existsSync(place)) report({ fault: 'archive_missing', table: file, ...where })
    else {
      const read = await readArchive(place, keys)
      const same = read.sha256 === sha256 && read.positionsSha256 === said
      if (!same || read.faults.length > 0) report({ fault: 'archive_file_differs', table: file, ...where })
    }
  }
  return made.length
}

export type ReadArchive = { events: number; streams: number; sha256: string; positionsSha256: string }

/**
 * Reads the file of an archive with the stand-alone verifier: its summary, and what is wrong with it.
 * @param verifierKeys those of the log; without them the key in the file is used
 */
export async function readArchive(
  file: string,
  verifierKeys: string[] = [],
): Promise<ReadArchive & { faults: object[] }> {
  const args = [VERIFIER, file, '--json', ...verifierKeys.flatMap((key) => ['--key', key])]
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { maxBuffer: 2 ** 26 }).catch(
    (error) => error,
  )
  if (!stdout) throw new RefusedError(`${file} cannot be verified: ${stderr}`)
  const { archives, streams, faults } = JSON.parse(stdout)
  const { events = 0, sha256 = '', positions_sha256: positionsSha256 = '' } = archives[0] ?? {}
  return { events, streams, sha256, positionsSha256, faults }
}
