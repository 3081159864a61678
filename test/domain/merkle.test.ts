import { createHash, randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  consistencyPath,
  edgeOf,
  grow,
  inclusionPath,
  leafHash,
  nodesOf,
  tileKey,
  tilesNeeded,
  treeRoot,
} from '../../shared/events/merkle.ts'
import { createNoteSigner } from '../../shared/tokens/note.ts'

const sha256 = (...parts: (Uint8Array | string)[]) =>
  parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest()

/** The definitions of RFC 9162 section 2.1, word by word. */
const half = (n: number) => {
  let k = 1
  while (k * 2 < n) k *= 2
  return k
}
const mth = (d: Buffer[]): Buffer =>
  d.length === 0
    ? sha256('')
    : d.length === 1
      ? sha256('\0', d[0] as Buffer)
      : sha256('\x01', mth(d.slice(0, half(d.length))), mth(d.slice(half(d.length))))
const path = (m: number, d: Buffer[]): Buffer[] => {
  if (d.length === 1) return []
  const k = half(d.length)
  return m < k ? [...path(m, d.slice(0, k)), mth(d.slice(k))] : [...path(m - k, d.slice(k)), mth(d.slice(0, k))]
}
const subproof = (m: number, d: Buffer[], b: boolean): Buffer[] => {
  if (m === d.length) return b ? [] : [mth(d)]
  const k = half(d.length)
  return m <= k
    ? [...subproof(m, d.slice(0, k), b), mth(d.slice(k))]
    : [...subproof(m - k, d.slice(k), false), mth(d.slice(0, k))]
}

/** A tree of tiles, grown in steps. */
function grown(data: Buffer[], steps: number[]) {
  const tiles = new Map<string, Buffer[]>()
  let size = 0
  for (const step of [...steps, data.length]) {
    const leaves = data.slice(size, size + step).map(leafHash)
    const edge = new Map(
      edgeOf(size).map(({ level, index }) => [tileKey(level, index), tiles.get(tileKey(level, index)) ?? []]),
    )
    for (const { level, index, hashes } of grow(edge, size, leaves)) tiles.set(tileKey(level, index), hashes)
    size += leaves.length
  }
  return nodesOf(tiles)
}

const hexes = (hashes: Buffer[]) => hashes.map((hash) => hash.toString('hex'))
const data = Array.from({ length: 66_600 }, (_, n) => sha256(String(n)))

test('RFC 9162 2.1: roots and proofs of a tree that grows in any steps are those of the definitions', () => {
  fc.assert(
    fc.property(
      fc
        .integer({ min: 1, max: 900 })
        .chain((size) =>
          fc.tuple(
            fc.constant(size),
            fc.nat(size - 1),
            fc.integer({ min: 1, max: size }),
            fc.array(fc.nat(700), { maxLength: 6 }),
          ),
        ),
      ([size, leaf, first, steps]) => {
        const all = data.slice(0, size)
        const node = grown(all, steps)
        expect(treeRoot(node, size)).toEqual(mth(all))
        expect(treeRoot(node, first)).toEqual(mth(all.slice(0, first)))
        expect(hexes(inclusionPath(node, leaf, size))).toEqual(hexes(path(leaf, all)))
        expect(hexes(consistencyPath(node, first, size))).toEqual(hexes(subproof(first, all, true)))
      },
    ),
    { numRuns: 25 },
  )
})

describe('over three levels of tiles', () => {
  test('the root is that of the definition, from a handful of tiles', () => {
    const node = grown(data, [1, 255, 256, 65_000])
    expect(treeRoot(node, data.length)).toEqual(mth(data))
    expect(hexes(inclusionPath(node, 66_000, data.length))).toEqual(hexes(path(66_000, data)))
    expect(tilesNeeded((read) => inclusionPath(read, 66_000, data.length)).length).toBeLessThan(6)
  })
})

describe('a signed note', () => {
  const signer = createNoteSigner('auth.example/audit', randomBytes(32))
  const checkpoint = { size: 7, root: sha256('root'), position: '9', time: '2026-01-01T00:00:00.000Z' }

  test('says what was signed', () => {
    expect(signer.open(signer.sign(checkpoint))).toEqual(checkpoint)
  })

  test.each([
    ['another size', (note: string) => note.replace('\n7\n', '\n8\n')],
    ['another position', (note: string) => note.replace('position 9', 'position 8')],
    ['another origin', (note: string) => note.replaceAll('auth.example', 'evil.example')],
    ['another key', () => createNoteSigner('auth.example/audit', randomBytes(32)).sign(checkpoint)],
  ])('is not opened with %s', (_, change) => {
    expect(signer.open(change(signer.sign(checkpoint)))).toBeUndefined()
  })
})
