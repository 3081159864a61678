import type postgres from 'postgres'
import { restoreStatement } from '../../shared/domain/audit-log.ts'
import { grow, leafHash, nodesOf, TILE, type Tile, tileKey, treeRoot } from '../../shared/events/merkle.ts'
import { type CheckpointRow, listRestores, logOrigins, splitHashes } from '../../shared/queries/audit-tree.ts'
import { type Checkpoint, readNote } from '../../shared/tokens/note.ts'
import type { Report } from './findings.ts'
import type { OpenNote, OpenText } from './kept-checkpoints.ts'
import type { Outside } from './verify-events.ts'

const BATCH = 2000

type Leaf = {
  position: string
  stream_type: string
  stream_id: string
  version: number
  type: string
  hash: Uint8Array
  leaf: Uint8Array | null
  archived: boolean
}

/**
 * Rebuilds the tree from the events and compares it with the stored one, tile by tile, and with every checkpoint.
 * @param openNote absent, as openText, when the key is not available: then signatures are not checked
 * @param known checkpoints that were kept outside
 */
export async function verifyTree(
  sql: postgres.TransactionSql,
  report: Report,
  { openNote, openText, known = [] }: Pick<Outside, 'openNote' | 'openText' | 'known'> = {},
): Promise<void> {
  const [tree] = await sql<
    { size: string; position: string }[]
  >`select size::text, position::text from auth_gateway.audit_tree`
  if (!tree) return report({ fault: 'tree_missing', table: 'audit_tree' })
  const edge = new Map<string, Buffer[]>()
  const all = new Map<string, Buffer>()
  let size = 0
  const rows = sql<Leaf[]>`
    select coalesce(e.position, l.position)::text as position, e.stream_type, e.stream_id, e.version, e.event_type as type, e.hash,
      l.hash as leaf, l.archived
    from (select position, stream_type, stream_id, version, event_type, hash from auth_gateway.event_store where position <= ${tree.position}) e
    full join (
      select p.position, substring(t.hashes from (p.n::int - 1) * 32 + 1 for 32) as hash,
        coalesce(get_bit(a.bits, p.n::int - 1) = 1, false) as archived
      from auth_gateway.audit_tiles t
      left join (select tile, bit_or(bits) as bits from auth_gateway.archived_leaves group by tile) a on a.tile = t.index
      cross join lateral unnest(t.positions) with ordinality as p(position, n)
      where t.level = 0) l using (position)
    order by coalesce(e.position, l.position)`.cursor(BATCH)
  for await (const batch of rows) {
    const leaves = batch.map((row) => {
      const { position, stream_type, stream_id, version, type, hash, leaf, archived } = row
      const where = { position, stream_type, stream_id, version, type }
      if (hash && archived) report({ fault: 'archived_event_stands', ...where })
      if (!hash && !archived) report({ fault: 'event_cut_off', position })
      else if (!hash) return Buffer.from(leaf ?? [])
      else if (!leaf) report({ fault: 'event_slipped_in', ...where })
      else if (!leafHash(hash).equals(leaf)) report({ fault: 'leaf_differs', ...where })
      return leaf ? Buffer.from(leaf) : hash ? leafHash(hash) : Buffer.alloc(32)
    })
    for (const tile of grow(edge, size, leaves)) keep(tile, edge, all)
    size += leaves.length
  }
  if (size !== Number(tree.size)) report({ fault: 'tree_size', table: 'audit_tree' })
  const kept = new Set<string>()
  for await (const batch of sql<{ level: number; index: string; hashes: Uint8Array }[]>`
    select t.level, t.index::text, t.hashes from auth_gateway.audit_tiles t order by t.level, t.index`.cursor(BATCH))
    for (const { level, index, hashes } of batch) {
      kept.add(tileKey(level, Number(index)))
      const built = all.get(tileKey(level, Number(index)))
      if (!built?.equals(hashes)) report({ fault: 'tile_differs', table: 'audit_tiles' })
    }
  if (![...all.keys()].every((key) => kept.has(key))) report({ fault: 'tile_missing', table: 'audit_tiles' })
  await verifyCheckpoints(sql, report, { all, size, openNote, openText, known })
}

/** Stores a tile as one buffer, since there are many. */
function keep({ level, index, hashes }: Tile, edge: Map<string, Buffer[]>, all: Map<string, Buffer>): void {
  const key = tileKey(level, index)
  if (hashes.length === TILE) edge.delete(key)
  else edge.set(key, hashes)
  all.set(key, Buffer.concat(hashes))
}

async function verifyCheckpoints(
  sql: postgres.TransactionSql,
  report: Report,
  built: { all: Map<string, Buffer>; size: number; openNote?: OpenNote; openText?: OpenText; known: Checkpoint[] },
): Promise<void> {
  const { all, size, openNote, openText, known } = built
  const table = 'audit_checkpoints'
  const node = nodesOf({ get: (key) => splitHashes(all.get(key) ?? Buffer.alloc(0)) })
  const checkpoints = await sql<CheckpointRow[]>`
    select c.size::text, c.root, c.position::text, c.note from auth_gateway.audit_checkpoints c order by c.size`
  let origins = await logOrigins(sql)
  for (const checkpoint of checkpoints) {
    const at = { table, position: checkpoint.position }
    const [, noteSize, noteRoot = ''] = checkpoint.note.split('\n')
    const matches = noteSize === checkpoint.size && Buffer.from(noteRoot, 'base64').equals(checkpoint.root)
    if (!matches || (openNote && !openNote(checkpoint.note))) report({ fault: 'checkpoint_unsigned', ...at })
    const since = origins.indexOf(readNote(checkpoint.note)?.origin ?? '')
    if (since < 0) report({ fault: 'checkpoint_origin', ...at })
    else origins = origins.slice(since)
    if (Number(checkpoint.size) > size || !treeRoot(node, Number(checkpoint.size)).equals(checkpoint.root))
      report({ fault: 'checkpoint_differs', ...at })
  }
  if (size > 0 && Number(checkpoints.at(-1)?.size ?? 0) !== size) report({ fault: 'checkpoint_missing', table })
  const restores = (await listRestores(sql)).filter((one) => {
    const signed = !openText || openText(one.note) === restoreStatement(one)
    const begins = one.size <= size && treeRoot(node, one.size).toString('base64') === one.root
    if (!signed || !begins) report({ fault: 'restore_unsigned', table: 'audit_log', detail: one.origin })
    return signed && begins
  })
  for (const { size: outside, root, position } of known) {
    // The log itself records what it lost when its database was restored.
    if (restores.some((one) => one.size < outside && outside <= one.kept.size)) continue
    const at = { table: 'published checkpoint', position: String(position) }
    if (outside > size) report({ fault: 'log_cut_off', ...at })
    else if (!treeRoot(node, outside).equals(root)) report({ fault: 'checkpoint_differs', ...at })
  }
}
