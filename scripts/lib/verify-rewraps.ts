import type postgres from 'postgres'
import { batchStatement, type Rewrap, rewrapStatement } from '../../shared/domain/key-ring.ts'
import { rootOver } from '../../shared/events/merkle.ts'
import { splitHashes } from '../../shared/queries/audit-tree.ts'
import type { Report } from './findings.ts'
import type { OpenText } from './kept-checkpoints.ts'
import { batchesOf } from './sealed-values.ts'

type Batch = { epoch: number; batch: number; leaves: Uint8Array; root: Uint8Array; note: string }
type Finished = Rewrap & { note: string; position: string }

const BATCHES_AT_ONCE = 20

/**
 * Checks the signed batches of values that were sealed again, and the events of finished rewraps; and that no value is older than the newest
 * of them. Whether each value is the one of its batch is checked with those of events.
 * @param openText absent when the key is not available: then signatures are not checked
 */
export async function verifyRewraps(
  sql: postgres.TransactionSql,
  report: Report,
  openText: OpenText | undefined,
): Promise<void> {
  const isSigned = (note: string, statement: (origin: string) => string) => {
    const [origin = ''] = note.split('\n')
    return openText ? openText(note) === statement(origin) : note.startsWith(`${statement(origin)}\n`)
  }
  const finished = await sql<Finished[]>`
    select e.position::text, (e.data->>'epoch')::int as epoch, (e.data->>'batches')::int as batches,
      (e.data->>'values')::int as values, e.data->>'root' as root, e.data->>'note' as note
    from auth_gateway.event_store e where e.stream_type = 'key_ring' and e.event_type = 'KeysRewrapped' order by e.position`
  let newest = 1
  for (const { position, note, ...rewrap } of finished) {
    const where = { table: 'key_ring', position }
    if (!isSigned(note, (origin) => rewrapStatement(origin, rewrap))) report({ fault: 'rewrap_unsigned', ...where })
    if (rewrap.epoch <= newest) report({ fault: 'rewrap_order', ...where })
    newest = Math.max(newest, rewrap.epoch)
  }
  const table = 'rewrapped_batches'
  const rows = sql<Batch[]>`
    select b.* from auth_gateway.rewrapped_batches b order by b.epoch, b.batch`.cursor(BATCHES_AT_ONCE)
  for await (const batches of rows)
    for (const { epoch, batch, leaves, root, note } of batches) {
      const hashes = splitHashes(leaves)
      const text = { epoch, batch, values: hashes.length, root: rootOver(hashes).toString('base64') }
      const detail = `epoch ${epoch} batch ${batch}`
      const isWhole = Buffer.from(root).toString('base64') === text.root
      if (!isWhole || !isSigned(note, (origin) => batchStatement(origin, text)))
        report({ fault: 'rewrap_unsigned', table, detail })
      if (epoch < newest) report({ fault: 'rewrap_order', table, detail })
    }
  const last = finished.at(-1)
  if (!last) return
  const { position, note: _, ...said } = last
  if (JSON.stringify(await batchesOf(sql, last.epoch)) !== JSON.stringify(said))
    report({ fault: 'rewrap_differs', table, position })
  for (const row of await outdated(sql, newest)) report(row)
}

/** Values under keys that are gone. */
function outdated(sql: postgres.TransactionSql, epoch: number) {
  return sql<Parameters<Report>[0][]>`
    select 'value_outdated' as fault, 'subject_keys' as "table", k.subject as stream_id
    from auth_gateway.subject_keys k where auth_gateway.sealed_epoch(k.wrapped_key) < ${epoch}
    union all
    select 'value_outdated', 'event_secrets', s.stream_id
    from auth_gateway.event_secrets s where auth_gateway.is_ring_sealed(s.name) and auth_gateway.sealed_epoch(s.sealed) < ${epoch}`
}
