import { createHash } from 'node:crypto'

/** Hashes in a full tile. */
export const TILE = 256
const TILE_LEVELS = 8

const sha256 = (...parts: (Uint8Array | string)[]) =>
  parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest()

/** Hash of a leaf, which is the hash of an event (RFC 9162 section 2.1.1). */
export const leafHash = (eventHash: Uint8Array) => sha256('\0', eventHash)
const nodeHash = (left: Uint8Array, right: Uint8Array) => sha256('\x01', left, right)

/** Reads the root of a complete subtree: `level` above the leaves, the `index`th of its level. */
type ReadNode = (level: number, index: number) => Buffer

/** The root over hashes whose count is a power of two. */
function rootOf(hashes: Buffer[]): Buffer {
  let row = hashes
  while (row.length > 1)
    row = row.filter((_, n) => n % 2 === 0).map((left, n) => nodeHash(left, row[2 * n + 1] as Buffer))
  return row[0] as Buffer
}

/** The largest power of two below a count of two or more. */
const halfOf = (count: number) => 2 ** Math.ceil(Math.log2(count) - 1)

/** The root over the leaves from `start` to before `end`, where `start` is as in the recursion of RFC 9162 section 2.1.1. */
function rangeRoot(node: ReadNode, start: number, end: number): Buffer {
  const count = end - start
  const level = Math.log2(count)
  if (Number.isInteger(level)) return node(level, start / count)
  const half = halfOf(count)
  return nodeHash(rangeRoot(node, start, start + half), rangeRoot(node, start + half, end))
}

/** The root of the tree of the first `size` leaves (RFC 9162 section 2.1.1). */
export function treeRoot(node: ReadNode, size: number): Buffer {
  return size === 0 ? sha256('') : rangeRoot(node, 0, size)
}

/** The inclusion proof of a leaf in the tree of `size` leaves (RFC 9162 section 2.1.3.1). */
export function inclusionPath(node: ReadNode, leaf: number, size: number): Buffer[] {
  const path: Buffer[] = []
  for (let [start, end] = [0, size]; end - start > 1; ) {
    const middle = start + halfOf(end - start)
    path.unshift(leaf < middle ? rangeRoot(node, middle, end) : rangeRoot(node, start, middle))
    if (leaf < middle) end = middle
    else start = middle
  }
  return path
}

/** The consistency proof between the trees of `first` and `second` leaves (RFC 9162 section 2.1.4.1). */
export function consistencyPath(node: ReadNode, first: number, second: number): Buffer[] {
  if (first === 0 || first === second) return []
  const path: Buffer[] = []
  let [start, end] = [0, second]
  while (end !== first) {
    const middle = start + halfOf(end - start)
    path.unshift(first <= middle ? rangeRoot(node, middle, end) : rangeRoot(node, start, middle))
    if (first <= middle) end = middle
    else start = middle
  }
  return start === 0 ? path : [rangeRoot(node, start, end), ...path]
}

export type Tile = { level: number; index: number; hashes: Buffer[] }

export const tileKey = (level: number, index: number) => `${level}/${index}`

/** Reads nodes from tiles, and computes each node between two tile levels once. @throws Error if a tile is missing */
export function nodesOf(tiles: Pick<ReadonlyMap<string, Buffer[]>, 'get'>): ReadNode {
  const known = new Map<string, Buffer>()
  const node: ReadNode = (level, index) => {
    if (level % TILE_LEVELS === 0) {
      const hash = tiles.get(tileKey(level / TILE_LEVELS, Math.floor(index / TILE)))?.[index % TILE]
      if (!hash) throw new Error(`the tree has no node ${level}/${index}`)
      return hash
    }
    const key = tileKey(level, index)
    const hash = known.get(key) ?? nodeHash(node(level - 1, 2 * index), node(level - 1, 2 * index + 1))
    known.set(key, hash)
    return hash
  }
  return node
}

/** The tiles that a walk of the tree reads. */
export function tilesNeeded(walk: (node: ReadNode) => unknown): { level: number; index: number }[] {
  const needed = new Map<string, { level: number; index: number }>()
  walk((level, index) => {
    const tile = {
      level: Math.floor(level / TILE_LEVELS),
      index: Math.floor((index * 2 ** (level % TILE_LEVELS)) / TILE),
    }
    needed.set(tileKey(tile.level, tile.index), tile)
    return Buffer.alloc(32)
  })
  return [...needed.values()]
}

/** The partial tiles at the right edge of a tree, with their numbers of hashes. */
export function edgeOf(size: number): { level: number; index: number; count: number }[] {
  const edge: { level: number; index: number; count: number }[] = []
  for (let [level, count] = [0, size]; count > 0; level++, count = Math.floor(count / TILE))
    if (count % TILE > 0) edge.push({ level, index: Math.floor(count / TILE), count: count % TILE })
  return edge
}

/**
 * Appends leaves to a tree.
 * @param edge the tiles of `edgeOf(size)`; hashes beyond that size are ignored
 * @returns every tile that is new or fuller than before
 */
export function grow(edge: ReadonlyMap<string, Buffer[]>, size: number, leaves: Buffer[]): Tile[] {
  const changed = new Map<string, Tile>()
  const counts = new Map(edgeOf(size).map(({ level, index, count }) => [tileKey(level, index), count]))
  const push = (level: number, at: number, hash: Buffer): void => {
    const index = Math.floor(at / TILE)
    const key = tileKey(level, index)
    const tile = changed.get(key) ?? { level, index, hashes: edge.get(key)?.slice(0, counts.get(key) ?? 0) ?? [] }
    if (tile.hashes.length !== at % TILE) throw new Error(`the edge of the tree lacks tile ${key}`)
    tile.hashes.push(hash)
    changed.set(key, tile)
    if (tile.hashes.length === TILE) push(level + 1, index, rootOf(tile.hashes))
  }
  for (const [n, leaf] of leaves.entries()) push(0, size + n, leaf)
  return [...changed.values()]
}

/** The root over leaves that are all here. */
export function rootOver(leaves: Buffer[]): Buffer {
  const tiles = grow(new Map(), 0, leaves).map(({ level, index, hashes }) => [tileKey(level, index), hashes] as const)
  return treeRoot(nodesOf(new Map(tiles)), leaves.length)
}
