import { open } from 'node:fs/promises'
import type { Config } from '../config.ts'
import { restoreStatement } from '../domain/audit-log.ts'
import type { Gateway } from '../gateway.ts'
import { log } from '../log.ts'
import { listCheckpoints, listRestores, treeSize } from '../queries/audit-tree.ts'
import { type OpenedNote, readNote } from '../tokens/note.ts'
import { checkpointSigner, signerOfNote } from './checkpoints.ts'
import { rootAt } from './proofs.ts'

const TIMEOUT_MS = 2000

/** Bytes that are read from the end of a checkpoint file: more than a hundred checkpoints. */
const TAIL_BYTES = 65_536

/** Returns the last checkpoints in a file; none without a file. */
async function tailOfFile(file: string): Promise<{ size: number; note: string }[]> {
  const handle = await open(file).catch(() => undefined)
  if (!handle) return []
  try {
    const { size } = await handle.stat()
    const length = Math.min(size, TAIL_BYTES)
    const { buffer } = await handle.read(Buffer.alloc(length), 0, length, size - length)
    const lines = buffer.toString('utf8').split('\n').filter(Boolean)
    return (length < size ? lines.slice(1) : lines).map((line) => JSON.parse(line))
  } finally {
    await handle.close()
  }
}

async function largestInFile(file: string): Promise<string | undefined> {
  const kept = await tailOfFile(file)
  return kept.reduce((largest, one) => (one.size >= largest.size ? one : largest), { size: 0, note: '' }).note
}

async function newestAtUrl(url: string, token: string | undefined): Promise<string | undefined> {
  const headers = token ? { authorization: `Bearer ${token}` } : undefined
  const response = await fetch(url, { headers, redirect: 'manual', signal: AbortSignal.timeout(TIMEOUT_MS) })
  return response.ok ? response.text() : undefined
}

/** Returns the newest published checkpoints. An address with `{size}` has no way to get the newest. */
async function keptNotes({ CHECKPOINT_FILE, CHECKPOINT_URL, CHECKPOINT_URL_TOKEN }: Config): Promise<string[]> {
  const asked = [
    CHECKPOINT_FILE && largestInFile(CHECKPOINT_FILE),
    CHECKPOINT_URL && !CHECKPOINT_URL.includes('{size}') && newestAtUrl(CHECKPOINT_URL, CHECKPOINT_URL_TOKEN),
  ]
  const found = await Promise.all(
    asked.map(async (one) => {
      try {
        return (await one) || undefined
      } catch (error) {
        log.warn('a published checkpoint cannot be read', { error })
      }
    }),
  )
  return found.filter((note) => note !== undefined)
}

type LostHistory = {
  /** The published checkpoint, and how many events the database has in its tree. */
  kept: OpenedNote
  size: number
  /** The newest checkpoint that the database contains; undefined if it contains none, which means the log was rewritten. */
  common?: { size: number; root: Buffer }
}

/**
 * Compares the database with the newest published checkpoint. A mismatch means that the database was restored from an older backup, or
 * its log was rewritten. A recorded restore (`AuditLogRestored`) signed by this log's key is accepted. A checkpoint that cannot be read,
 * or is not signed by this log's key, is ignored.
 */
export async function findLostHistory(gateway: Gateway): Promise<LostHistory | undefined> {
  const { reads } = gateway
  for (const note of await keptNotes(gateway.config)) {
    const opened = signerOfNote(gateway, note).open(note)
    const kept = opened && readNote(note)
    if (!kept) {
      log.warn('a published checkpoint is not signed by the key of this log')
      continue
    }
    const size = await treeSize(reads)
    const recorded = (await listRestores(reads)).some(
      (one) =>
        one.kept.size === kept.size &&
        one.kept.root === kept.root.toString('base64') &&
        checkpointSigner(gateway, one.origin).openText(one.note) === restoreStatement(one),
    )
    if (!recorded && (kept.size > size || !(await rootAt(gateway.reads, kept.size)).equals(kept.root)))
      return { kept, size, common: await commonHistory(gateway, { kept, size }) }
  }
  return undefined
}

/** Returns the newest checkpoint, in the database or at the end of the file, that this log's key signed and the database contains. */
async function commonHistory(gateway: Gateway, { kept, size }: LostHistory): Promise<LostHistory['common']> {
  if (size === 0) return { size, root: await rootAt(gateway.reads, size) }
  const { CHECKPOINT_FILE } = gateway.config
  const own = kept.size > size ? await listCheckpoints(gateway.reads, { limit: 1 }) : []
  const outside = CHECKPOINT_FILE ? await tailOfFile(CHECKPOINT_FILE) : []
  const known = [...own, ...outside]
    .map(({ note }) => signerOfNote(gateway, note).open(note))
    .filter((one) => one !== undefined)
    .filter((one) => one.size <= size)
    .sort((a, b) => b.size - a.size)
  for (const one of known) if ((await rootAt(gateway.reads, one.size)).equals(one.root)) return one
  return undefined
}
