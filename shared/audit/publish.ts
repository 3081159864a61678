import { appendFile } from 'node:fs/promises'
import type { Gateway } from '../gateway.ts'
import { log } from '../log.ts'
import { listCheckpoints, noteCheckpointPublished } from '../queries/audit-tree.ts'

const TIMEOUT_MS = 8000

/**
 * Puts the newest checkpoint where the database cannot reach: to an address, into a file, or both. What cannot be published is tried
 * again the next time; the newest one stands for those before. Call it after `findLostHistory` found nothing: a checkpoint of another history
 * must not replace the kept one, which is the evidence.
 * @returns whether one was published
 */
export async function publishCheckpoint({ reads, config }: Gateway): Promise<boolean> {
  const { CHECKPOINT_URL, CHECKPOINT_URL_TOKEN, CHECKPOINT_FILE } = config
  if (!CHECKPOINT_URL && !CHECKPOINT_FILE) return false
  const [newest] = await listCheckpoints(reads, { limit: 1 })
  if (!newest || newest.published_at) return false
  const { size, note } = newest
  if (CHECKPOINT_FILE) await appendFile(CHECKPOINT_FILE, `${JSON.stringify({ size: Number(size), note })}\n`)
  if (CHECKPOINT_URL) {
    const { status } = await fetch(CHECKPOINT_URL.replaceAll('{size}', size), {
      method: 'PUT',
      headers: {
        'content-type': 'text/plain; charset=utf-8',
        ...(CHECKPOINT_URL_TOKEN && { authorization: `Bearer ${CHECKPOINT_URL_TOKEN}` }),
      },
      body: note,
      redirect: 'manual',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    if (status < 200 || status > 299) throw new Error(`the checkpoint was not taken: ${status}`)
  }
  await noteCheckpointPublished(reads, size)
  log.info('checkpoint published', { size })
  return true
}
