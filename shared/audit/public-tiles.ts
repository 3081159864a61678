import { TILE, tileKey } from '../events/merkle.ts'
import { readTiles } from '../queries/audit-tree.ts'
import type { AnySql } from '../queries/event-records.ts'

/** A tile as the public log names it; `width` is its number of hashes. */
type TileName = { level: number; index: number; width: number }

/** Returns the path of a tile below the prefix of the log, such as `tile/0/x001/067.p/12` (C2SP tlog-tiles). */
export function tilePath({ level, index, width }: TileName): string {
  const digits = String(index)
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, '0').match(/\d{3}/g) ?? []
  const number = groups.map((group, n) => (n < groups.length - 1 ? `x${group}` : group)).join('/')
  return `tile/${level}/${number}${width < TILE ? `.p/${width}` : ''}`
}

/** Parses the path of a tile; undefined unless `tilePath` could have made it. */
export function readTilePath(path: string): TileName | undefined {
  const [, level, number = '', width = TILE] =
    /^tile\/(\d{1,2})\/((?:x\d{3}\/){0,4}\d{3})(?:\.p\/(\d{1,3}))?$/.exec(path) ?? []
  const name = { level: Number(level), index: Number(number.replace(/[x/]/g, '')), width: Number(width) }
  return level !== undefined && tilePath(name) === path && name.width > 0 ? name : undefined
}

/** Names the tiles of a tree of `size` leaves that the tree of its first `before` leaves lacks or has narrower. */
export function tilesBetween(before: number, size: number): TileName[] {
  const names: TileName[] = []
  for (let [level, had, has] = [0, before, size]; has > 0; level++) {
    for (let index = Math.floor(had / TILE); index * TILE < has; index++)
      if (had < has) names.push({ level, index, width: Math.min(TILE, has - index * TILE) })
    ;[had, has] = [Math.floor(had / TILE), Math.floor(has / TILE)]
  }
  return names
}

/** Reads tiles as the public log serves them, by name; tiles that the tree does not have yet are missing. */
export async function readPublicTiles(sql: AnySql, names: TileName[]): Promise<(TileName & { bytes: Buffer })[]> {
  const { hashes } = await readTiles(sql, names)
  return names.flatMap((name) => {
    const stored = hashes.get(tileKey(name.level, name.index)) ?? []
    return stored.length < name.width ? [] : [{ ...name, bytes: Buffer.concat(stored.slice(0, name.width)) }]
  })
}
