import type postgres from 'postgres'
import { hasImportedKeys } from '../queries/api-keys.ts'

const KEPT_MILLISECONDS = 60_000

export type OlderKeys = ReturnType<typeof createOlderKeys>

/**
 * Knows whether imported keys exist. While there are none, a key of our own pattern without a valid checksum must be a typo or made
 * up, and is refused without a lookup; a first import takes effect within a minute.
 */
export function createOlderKeys(sql: postgres.Sql) {
  let known: { answer: boolean; until: number } | undefined
  return {
    async areThere(): Promise<boolean> {
      if (known && known.until > Date.now()) return known.answer
      const answer = await hasImportedKeys(sql)
      known = { answer, until: Date.now() + KEPT_MILLISECONDS }
      return answer
    },
  }
}
