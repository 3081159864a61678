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

/** Returns the origin of a log that starts at this gateway. */
const originOfIssuer = (issuer: string) => `${issuer.replace(/^https?:\/\//, '')}/audit`

/** Creates the signer of checkpoints, whose key is not in the database. */
export function checkpointSigner({ config, ring }: Pick<Gateway, 'config' | 'ring'>, origin: string): NoteSigner {
  const { AUDIT_SIGNING_KEY } = config
  const seed = AUDIT_SIGNING_KEY ? Buffer.from(AUDIT_SIGNING_KEY, 'base64') : ring.key('audit-checkpoint')
  return createNoteSigner(origin, seed)
}

/** Returns the signer of a note, which may have an earlier origin of the log. */
export const signerOfNote = (settings: Pick<Gateway, 'config' | 'ring'>, note: string): NoteSigner =>
  checkpointSigner(settings, readNote(note)?.origin ?? '')

/** Returns the signer of the log, under its stored or initial origin. */
export async function currentSigner(gateway: Gateway): Promise<NoteSigner> {
  return checkpointSigner(gateway, (await logOrigin(gateway.reads)) ?? originOfIssuer(gateway.issuer))
}

/** Stores the origin with the log before the first signature. One of many instances succeeds. */
async function begin(gateway: Gateway): Promise<void> {
  if (await logOrigin(gateway.reads)) return
  await commit(createCall(gateway), async (work) => {
    work.actor = SYSTEM
    const log = await work.load(auditLog, AUDIT_LOG_ID, {})
    log.decide((state) => beginLog(state, originOfIssuer(gateway.issuer)))
  })
}

/**
 * Checks that the tree still matches the last signed one: a changed tree is never signed again.
 * @throws Error
 */
async function demandUnchanged(gateway: Gateway, { size, checkpoint }: TreeState): Promise<void> {
  if (!checkpoint) {
    if (size > 0) throw new Error('the checkpoints of the audit tree are missing')
    return
  }
  // After a change of the signing key, only the stored root can be compared.
  const { size: known, root } = signerOfNote(gateway, checkpoint.note).open(checkpoint.note) ?? checkpoint
  const { hashes } = await readTiles(
    gateway.reads,
    tilesNeeded((node) => treeRoot(node, known)),
  )
  if (known !== size || !treeRoot(nodesOf(hashes), known).equals(root))
    throw new Error(`the audit tree does not match its checkpoint of ${known} events`)
}

/** Adds a batch of events to the tree with a checkpoint. Returns how many; undefined if another instance was faster. */
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
 * Adds every settled event to the tree and signs its root. Any number of instances may run this concurrently.
 * @param budgetMs when to stop; the next run continues
 * @returns how many events were added
 */
export async function makeCheckpoints(gateway: Gateway, budgetMs = 15_000): Promise<number> {
  await begin(gateway)
  const deadline = performance.now() + budgetMs
  const settled = await settleLog(gateway.reads)
  let taken = 0
  while (performance.now() < deadline) {
    const count = await advance(gateway, settled)
    if (count === undefined) log.debug('another instance extends the audit tree')
    if (!count) break
    taken += count
  }
  return taken
}
