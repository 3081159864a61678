import type postgres from 'postgres'
import type { Restore } from '../domain/audit-log.ts'
import { type Tile, tileKey } from '../events/merkle.ts'
import type { AnySql } from './event-records.ts'

const HASH = 32

/** Maximum wait for open transactions, and pause between looks. */
const SETTLE_MS = 1500
const SETTLE_STEP_MS = 25

/**
 * Advances the horizon of the log as far as open transactions allow, and returns it: every event at or below this position is
 * committed.
 */
export async function settleLog(sql: postgres.Sql): Promise<string> {
  const deadline = performance.now() + SETTLE_MS
  let target: bigint | undefined
  for (;;) {
    const [row] = await sql<{ settled: string; drawn: string }[]>`
      select settled::text, drawn::text from auth_gateway.settle_log()`
    const settled = row?.settled ?? '0'
    target ??= BigInt(row?.drawn ?? 0)
    if (BigInt(settled) >= target || performance.now() > deadline) return settled
    await new Promise((resolve) => setTimeout(resolve, SETTLE_STEP_MS))
  }
}

export type TreeState = {
  /** Number of events in the tree, and the position of the last one. */
  size: number
  position: string
  /** Origin under which the log is signed. */
  origin: string
  /** The newest checkpoint. */
  checkpoint?: { size: number; root: Buffer; note: string }
}

/** The origin under which the log is signed; undefined before its first checkpoint. */
export async function logOrigin(sql: AnySql): Promise<string | undefined> {
  const [row] = await sql<{ origin: string }[]>`select origin from auth_gateway.audit_log`
  return row?.origin
}

/** Every origin that the log was signed under, oldest first. */
export async function logOrigins(sql: AnySql): Promise<string[]> {
  const rows = await sql<{ origin: string }[]>`
    select e.data->>'origin' as origin from auth_gateway.event_store e where e.stream_type = 'audit_log' order by e.version`
  return rows.map(({ origin }) => origin)
}

/** Number of events in the tree. */
export async function treeSize(sql: AnySql): Promise<number> {
  const [row] = await sql<{ size: string }[]>`select size::text from auth_gateway.audit_tree`
  return Number(row?.size ?? 0)
}

/** The recorded restores of the database. */
export async function listRestores(sql: AnySql): Promise<Restore[]> {
  return sql<Restore[]>`
    select e.data->>'origin' as origin, (e.data->>'size')::float8 as size, e.data->>'root' as root, e.data->'kept' as kept, e.data->>'note' as note
    from auth_gateway.event_store e
    where e.stream_type = 'audit_log' and e.event_type = 'AuditLogRestored' order by e.version`
}

/** The size of the tree of a log that has begun. */
export async function treeState(sql: postgres.Sql): Promise<TreeState> {
  type Row = { size: number; position: string; origin: string; known: number | null; root: Uint8Array; note: string }
  const [row] = await sql<Row[]>`
    select t.size::float8, t.position::text, l.origin, c.size::float8 as known, c.root, c.note
    from auth_gateway.audit_tree t
    cross join auth_gateway.audit_log l
    left join (select * from auth_gateway.audit_checkpoints order by size desc limit 1) c on true`
  if (!row) throw new Error('the audit tree is missing')
  const { size, position, origin, known, root, note } = row
  const checkpoint = known === null ? undefined : { size: known, root: Buffer.from(root), note }
  return { size, position, origin, checkpoint }
}

/** Splits a stored tile into hashes. */
export const splitHashes = (hashes: Uint8Array) =>
  Array.from({ length: hashes.length / HASH }, (_, n) => Buffer.from(hashes.subarray(n * HASH, (n + 1) * HASH)))

type StoredTiles = { hashes: Map<string, Buffer[]>; positions: Map<number, string[]> }

/** Reads tiles by key; those of level 0 with the positions of their events. */
export async function readTiles(sql: AnySql, keys: { level: number; index: number }[]): Promise<StoredTiles> {
  const rows = await sql<{ level: number; index: string; hashes: Uint8Array; positions: string[] | null }[]>`
    select t.level, t.index::text, t.hashes, t.positions::text[] as positions from auth_gateway.audit_tiles t
    join unnest(${keys.map(({ level }) => level)}::smallint[], ${keys.map(({ index }) => index)}::bigint[]) as w(level, index)
      on w.level = t.level and w.index = t.index`
  return {
    hashes: new Map(rows.map(({ level, index, hashes }) => [tileKey(level, Number(index)), splitHashes(hashes)])),
    positions: new Map(
      rows.flatMap(({ index, positions }) => (positions ? [[Number(index), positions] as const] : [])),
    ),
  }
}

/** The next settled events after a position. */
export function settledEvents(
  sql: postgres.Sql,
  { after, until, limit }: { after: string; until: string; limit: number },
): Promise<{ position: string; hash: Uint8Array }[]> {
  return sql<{ position: string; hash: Uint8Array }[]>`
    select e.position::text, e.hash from auth_gateway.event_store e
    where e.position > ${after} and e.position <= ${until} order by e.position limit ${limit}`
}

type Growth = {
  before: number
  tiles: Tile[]
  positions: ReadonlyMap<number, string[]>
  size: number
  position: string
  root: Buffer
  note: string
}

/** Stores new tiles and the checkpoint over them; false when another process was faster. */
export async function growTree(sql: postgres.Sql, growth: Growth): Promise<boolean> {
  const tiles = growth.tiles.map(({ level, index, hashes }) => {
    const positions = level === 0 ? (growth.positions.get(index) ?? []) : undefined
    const of = positions && { positions, first_position: positions[0] }
    return { level, index, hashes: Buffer.concat(hashes).toString('hex'), ...of }
  })
  const [row] = await sql<{ done: boolean }[]>`
    select auth_gateway.grow_audit_tree(${growth.before}, ${sql.json(tiles as postgres.JSONValue)}, ${growth.size},
      ${growth.position}, ${growth.root}, ${growth.note}) as done`
  return row?.done ?? false
}

export type CheckpointRow = {
  size: string
  root: Uint8Array
  position: string
  note: string
  made_at: Date
  published_at: Date | null
}

/** Checkpoints, newest first. */
export function listCheckpoints(
  sql: postgres.Sql,
  { before, limit }: { before?: string; limit: number },
): Promise<CheckpointRow[]> {
  return sql<CheckpointRow[]>`
    select c.size::text, c.root, c.position::text, c.note, c.made_at, c.published_at from auth_gateway.audit_checkpoints c
    where ${before === undefined ? sql`true` : sql`c.size < ${before}`} order by c.size desc limit ${limit}`
}

/** Records that a checkpoint has been published. */
export async function noteCheckpointPublished(sql: postgres.Sql, size: string): Promise<void> {
  await sql`select auth_gateway.note_checkpoint_published(${size})`
}

/** The leaf index of each event; events not yet in the tree are omitted. */
export async function leavesOf(sql: AnySql, positions: string[]): Promise<Map<string, number>> {
  const rows = await sql<{ position: string; leaf: string | null }[]>`
    select p.position::text, (t.index * 256 + array_position(t.positions, p.position) - 1)::text as leaf
    from unnest(${positions}::bigint[]) as p(position) cross join lateral (
      select x.index, x.positions from auth_gateway.audit_tiles x
      where x.level = 0 and x.first_position <= p.position order by x.first_position desc limit 1) t`
  return new Map(rows.flatMap(({ position, leaf }) => (leaf === null ? [] : [[position, Number(leaf)] as const])))
}
