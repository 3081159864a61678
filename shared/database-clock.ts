export type DatabaseClock = ReturnType<typeof createDatabaseClock>

/**
 * The time by the clock of the database, shared by all instances: an instance with a wrong clock could mistake a retry for a replay,
 * or expire a code too early.
 */
export function createDatabaseClock() {
  let offset = 0
  return {
    now: () => new Date(Date.now() + offset),
    /**
     * Corrects the offset by the database's time, no more than needed: not at all if it lies between request and response.
     * @param sentAt time of the request by this process's clock
     */
    measure(databaseTime: Date, sentAt: number): void {
      const time = databaseTime.getTime()
      offset = Math.min(time - sentAt, 0) || Math.max(time - Date.now(), 0)
    },
    /** Milliseconds by which the database is ahead of this process. */
    offset: () => offset,
  }
}
