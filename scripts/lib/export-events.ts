import type postgres from 'postgres'
import { archivedLine, checkpointLine, createExport, eventLine, inOrder } from '../../shared/audit/export.ts'
import { archivedLeaves } from '../../shared/queries/archives.ts'
import { type EventRecord, recordColumns } from '../../shared/queries/event-records.ts'
import { type NoteSigner, readNote } from '../../shared/tokens/note.ts'

const BATCH = 1000

/**
 * Exports every checkpoint and every event after a position, in one snapshot, as lines that can be verified offline. Personal values stay
 * sealed; archived events are listed by their leaves.
 * @param signerFor names the key of the checkpoints under an origin, if it is available
 * @param out receives each line
 */
export async function exportEvents(
  sql: postgres.Sql,
  after: string,
  signerFor: ((origin: string) => NoteSigner) | undefined,
  out: (line: string) => void,
): Promise<void> {
  const lines = createExport({ exported_at: new Date().toISOString(), scope: { of: 'everything' }, after })
  out(lines.header())
  await sql.begin('isolation level repeatable read read only', async (transaction) => {
    await transaction`set local statement_timeout = 0`
    const checkpoints = await transaction<{ note: string }[]>`
      select note from auth_gateway.audit_checkpoints where position > ${after} order by size`
    for (const checkpoint of checkpoints)
      out(lines.line(checkpointLine(checkpoint, signerFor?.(readNote(checkpoint.note)?.origin ?? ''))))
    for (let from = after, more = true; more; ) {
      const events = await transaction<EventRecord[]>`
        select ${recordColumns(transaction)} from auth_gateway.event_store e
        where e.position > ${from} order by e.position limit ${BATCH}`
      const archived = await archivedLeaves(transaction, { after: from, limit: BATCH })
      const page = inOrder(events, archived, BATCH)
      for (const one of page) out(lines.line('leaf' in one ? archivedLine(one) : eventLine(one)))
      from = page.at(-1)?.position ?? from
      more = page.length === BATCH
    }
  })
  out(lines.end(null))
}
