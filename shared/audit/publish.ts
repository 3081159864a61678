import { appendFile } from 'node:fs/promises'
import type { Gateway } from '../gateway.ts'
import { log } from '../log.ts'
import { listCheckpoints, noteCheckpointPublished } from '../queries/audit-tree.ts'

const TIMEOUT_MS = 8000

/** The last line that was added: a checkpoint may be retried for the address only. */
let added = ''

async function addToFile(file: string, size: number, note: string): Promise<void> {
  const line = `${JSON.stringify({ size, note })}\n`
  if (added === file + line) return
  await appendFile(file, line)
  added = file + line
}

async function putAt(url: string, token: string | undefined, note: string): Promise<void> {
  const { status } = await fetch(url, {
    method: 'PUT',
    headers: { 'content-type': 'text/plain; charset=utf-8', ...(token && { authorization: `Bearer ${token}` }) },
    body: note,
    redirect: 'manual',
    signal: AbortSignal.timeout(TIMEOUT_MS),
  })
  if (status < 200 || status > 299) throw new Error(`the checkpoint was not accepted: ${status}`)
}

/**
 * Publishes the newest checkpoint outside the database: to an address, a file, or both. Each is retried on the next run without delaying
 * the other. The newest checkpoint covers earlier ones. Call it after `findLostHistory` found nothing: a checkpoint of another history
 * must not replace the published one, which is the evidence.
 * @returns whether one was published
 */
export async function publishCheckpoint({ reads, config }: Gateway): Promise<boolean> {
  const { CHECKPOINT_URL, CHECKPOINT_URL_TOKEN, CHECKPOINT_FILE } = config
  if (!CHECKPOINT_URL && !CHECKPOINT_FILE) return false
  const [newest] = await listCheckpoints(reads, { limit: 1 })
  if (!newest || newest.published_at) return false
  const { size, note } = newest
  const outcomes = await Promise.allSettled([
    CHECKPOINT_FILE && addToFile(CHECKPOINT_FILE, Number(size), note),
    CHECKPOINT_URL && putAt(CHECKPOINT_URL.replaceAll('{size}', size), CHECKPOINT_URL_TOKEN, note),
  ])
  const errors = outcomes.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []))
  if (errors.length > 0) throw new AggregateError(errors, `a checkpoint was not published: ${errors.join('; ')}`)
  await noteCheckpointPublished(reads, size)
  log.info('checkpoint published', { size })
  return true
}
