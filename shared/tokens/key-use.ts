import type postgres from 'postgres'
import { log } from '../log.ts'
import { noteUses } from '../queries/api-keys.ts'

const FLUSH_MILLISECONDS = 60_000

export type KeyUse = ReturnType<typeof createKeyUse>

/**
 * Batches the use counts of unlimited keys, so that a verification writes nothing: a key's uses are written if it was last used over
 * a minute ago, or this process last wrote a minute ago. A killed process loses its batch, which no decision depends on.
 */
export function createKeyUse(sql: postgres.Sql) {
  const gathered = new Map<string, number>()
  let writtenAt = Date.now()

  async function flush(): Promise<void> {
    if (gathered.size === 0) return
    const uses = [...gathered].map(([key_id, count]) => ({ key_id, uses: count }))
    gathered.clear()
    writtenAt = Date.now()
    try {
      await noteUses(sql, uses)
    } catch (error) {
      log.warn('key uses were not recorded', { error })
    }
  }

  return {
    /** Counts a use; writes when due. */
    async note(keyId: string, activityStale: boolean): Promise<void> {
      gathered.set(keyId, (gathered.get(keyId) ?? 0) + 1)
      if (activityStale || Date.now() - writtenAt > FLUSH_MILLISECONDS) await flush()
    },
    flush,
  }
}
