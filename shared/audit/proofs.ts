import type postgres from 'postgres'
import { consistencyPath, inclusionPath, nodesOf, tilesNeeded, treeRoot } from '../events/merkle.ts'
import { leavesOf, readTiles } from '../queries/audit-tree.ts'
import type { AnySql } from '../queries/event-records.ts'

type Inclusion = { index: number; path: string[] }

const hexes = (hashes: Buffer[]) => hashes.map((hash) => hash.toString('hex'))

/**
 * Returns inclusion proofs of events in the tree of a checkpoint, by position; none for events that it does not cover.
 * @see RFC 9162 section 2.1.3
 */
export async function proveInclusion(sql: AnySql, positions: string[], size: number): Promise<Map<string, Inclusion>> {
  const leaves = [...(await leavesOf(sql, positions))].filter(([, leaf]) => leaf < size)
  const { hashes } = await readTiles(
    sql,
    tilesNeeded((node) => {
      for (const [, leaf] of leaves) inclusionPath(node, leaf, size)
    }),
  )
  const node = nodesOf(hashes)
  return new Map(
    leaves.map(([position, index]) => [position, { index, path: hexes(inclusionPath(node, index, size)) }]),
  )
}

/**
 * Returns the proof that the tree of `to` events extends the tree of `from` events.
 * @see RFC 9162 section 2.1.4
 */
export async function proveConsistency(sql: postgres.Sql, from: number, to: number): Promise<string[]> {
  const { hashes } = await readTiles(
    sql,
    tilesNeeded((node) => consistencyPath(node, from, to)),
  )
  return hexes(consistencyPath(nodesOf(hashes), from, to))
}

/** Returns the root of the tree of the first `size` events. */
export async function rootAt(sql: AnySql, size: number): Promise<Buffer> {
  const { hashes } = await readTiles(
    sql,
    tilesNeeded((node) => treeRoot(node, size)),
  )
  return treeRoot(nodesOf(hashes), size)
}
