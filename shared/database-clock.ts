export type DatabaseClock = ReturnType<typeof createDatabaseClock>

/**
 * The time by the clock of the database, which all instances share: an instance whose own clock is off would otherwise take a
 * retry for a replay, or end a code before it was entered.
 */
export function createDatabaseClock() {
  let offset = 0
  return {
    now: () => new Date(Date.now() + offset),
    /**
     * Takes what the database said its time was, and corrects as little as that proves: nothing for a time between question and answer.
     * @param sentAt by this process's clock, when it was asked
     */
    measure(databaseTime: Date, sentAt: number): void {
      const time = databaseTime.getTime()
      offset = Math.min(time - sentAt, 0) || Math.max(time - Date.now(), 0)
    },
    /** Milliseconds by which the database is ahead of this process. */
    offset: () => offset,
  }
}
