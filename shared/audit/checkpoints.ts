import { createCall } from '../call.ts'
import { AUDIT_LOG_ID, auditLog, beginLog } from '../domain/audit-log.ts'
import { commit } from '../events/commit.ts'
import { edgeOf, grow, leafHash, nodesOf, TILE, tileKey, tilesNeeded, treeRoot } from '../events/merkle.ts'
import type { Actor } from '../events/types.ts'
import type { Gateway } from '../gateway.ts'
import { log } from '../log.ts'
import {
  growTree,
  logOrigin,
  readTiles,
  settledEvents,
  settleLog,
  type TreeState,
  treeState,
} from '../queries/audit-tree.ts'
import { createNoteSigner, type NoteSigner, readNote } from '../tokens/note.ts'

const BATCH = 20_000

const SYSTEM: Actor = { type: 'system', id: 'checkpoints' }

/** What a log is called that begins at this gateway. */
const originOfIssuer = (issuer: string) => `${issuer.replace(/^https?:\/\//, '')}/audit`

/** Signs with a key that the database has no part of. */
export function checkpointSigner({ config, derive }: Pick<Gateway, 'config' | 'derive'>, origin: string): NoteSigner {
  const { AUDIT_SIGNING_KEY } = config
  const seed = AUDIT_SIGNING_KEY ? Buffer.from(AUDIT_SIGNING_KEY, 'base64') : derive('audit-checkpoint')
  return createNoteSigner(origin, seed)
}

/** The signer of a note, which may have been signed before the log changed its origin. */
export const signerOfNote = (settings: Pick<Gateway, 'config' | 'derive'>, note: string): NoteSigner =>
  checkpointSigner(settings, readNote(note)?.origin ?? '')

/** The signer of the log, under the origin that is stored with it or that it will begin with. */
export async function currentSigner(gateway: Gateway): Promise<NoteSigner> {
  return checkpointSigner(gateway, (await logOrigin(gateway.reads)) ?? originOfIssuer(gateway.issuer))
}

/** Stores the origin with the log before the first signature; of many instances one does so. */
async function begin(gateway: Gateway): Promise<void> {
  if (await logOrigin(gateway.reads)) return
  await commit(createCall(gateway), async (work) => {
    work.actor = SYSTEM
    const log = await work.load(auditLog, AUDIT_LOG_ID, {})
    log.decide((state) => beginLog(state, originOfIssuer(gateway.issuer)))
  })
}

/**
 * Looks whether the tree still is the one that was signed last: what was changed in it is never signed again.
 * @throws Error
 */
async function demandUnchanged(gateway: Gateway, { size, checkpoint }: TreeState): Promise<void> {
  if (!checkpoint) {
    if (size > 0) throw new Error('the checkpoints of the audit tree are gone')
    return
  }
  // Where another key signed before, the root that was kept is all there is to go by.
  const { size: known, root } = signerOfNote(gateway, checkpoint.note).open(checkpoint.note) ?? checkpoint
  const { hashes } = await readTiles(
    gateway.reads,
    tilesNeeded((node) => treeRoot(node, known)),
  )
  if (known !== size || !treeRoot(nodesOf(hashes), known).equals(root))
    throw new Error(`the audit tree is not the one of its checkpoint of ${known} events`)
}

/** One batch of events into the tree and a checkpoint over it. Answers how many; undefined when another instance was faster. */
async function advance(gateway: Gateway, settled: string): Promise<number | undefined> {
  const { reads } = gateway
  const state = await treeState(reads)
  const { size: before, position: after } = state
  const events = await settledEvents(reads, { after, until: settled, limit: BATCH })
  const last = events.at(-1)
  if (!last) return 0
  await demandUnchanged(gateway, state)
  const size = before + events.length
  const edge = await readTiles(reads, edgeOf(before))
  const tiles = grow(
    edge.hashes,
    before,
    events.map(({ hash }) => leafHash(hash)),
  )
  const firstTile = Math.floor(before / TILE)
  const all = [
    ...(edge.positions.get(firstTile) ?? []).slice(0, before % TILE),
    ...events.map(({ position }) => position),
  ]
  const positions = new Map(
    tiles
      .filter(({ level }) => level === 0)
      .map(({ index }) => [index, all.slice((index - firstTile) * TILE, (index - firstTile + 1) * TILE)]),
  )
  const grown = new Map([
    ...edge.hashes,
    ...tiles.map(({ level, index, hashes }) => [tileKey(level, index), hashes] as const),
  ])
  const missing = tilesNeeded((node) => treeRoot(node, size)).filter(
    ({ level, index }) => !grown.has(tileKey(level, index)),
  )
  for (const [key, hashes] of (await readTiles(reads, missing)).hashes) grown.set(key, hashes)
  const root = treeRoot(nodesOf(grown), size)
  const signer = checkpointSigner(gateway, state.origin)
  const note = signer.sign({ size, root, position: last.position, time: gateway.now().toISOString() })
  const done = await growTree(reads, { before, tiles, positions, size, position: last.position, root, note })
  return done ? events.length : undefined
}

/**
 * Takes every settled event into the tree and signs its root. Any number of instances may do this at once.
 * @param budgetMs when to stop; the next time goes on
 * @returns how many events were taken in
 */
export async function makeCheckpoints(gateway: Gateway, budgetMs = 15_000): Promise<number> {
  await begin(gateway)
  const deadline = performance.now() + budgetMs
  const settled = await settleLog(gateway.reads)
  let taken = 0
  while (performance.now() < deadline) {
    const count = await advance(gateway, settled)
    if (count === undefined) log.debug('another instance grows the audit tree')
    if (!count) break
    taken += count
  }
  return taken
}
