import postgres from 'postgres'

/** Most requests of one transaction: each is a subtransaction, and Postgres caches 64 of them. */
const MAX_REQUESTS = 16

/** How long a patient request waits for others to share its transaction. */
const PATIENCE_MS = 100

type Waiting = { line: string; alone: boolean; due: boolean; resolve: () => void; reject: (error: unknown) => void }

/** The error of one request, as SQL reports it; null if it was appended. */
export type Outcome = { code: string; message: string; detail: string | null } | null

/**
 * Appends for requests that arrive while all connections are busy, together: one statement, one commit, an outcome per request. A request
 * waits only for a free connection, and is answered only after the commit. A request with rate limits has a transaction of its own, since
 * others would wait with it for the counters. A patient request, whose result no one waits for, joins the next transaction or one of
 * several patient ones.
 * @param send commits requests, one JSON object per line, and returns their outcomes
 * @param connections how many transactions run at once
 */
export function createGroupCommit(send: (lines: string) => Promise<Outcome[]>, connections: number) {
  let waiting: Waiting[] = []
  let running = 0

  async function run(requests: Waiting[]): Promise<void> {
    try {
      const outcomes = await send(requests.map(({ line }) => line).join('\n'))
      requests.forEach(({ resolve, reject }, index) => {
        const outcome = outcomes[index]
        if (outcome === null) resolve()
        else reject(outcome ? new postgres.PostgresError(outcome as never) : new Error('no outcome'))
      })
    } catch (error) {
      for (const { reject } of requests) reject(error)
    } finally {
      running--
      next()
    }
  }

  /** Takes the due request that has waited longest, with others if it shares its transaction. */
  function take(): Waiting[] {
    const first = waiting.find(({ due }) => due)
    if (!first) return []
    const others = first.alone ? [] : waiting.filter((request) => request !== first && !request.alone)
    const taken = [first, ...others.slice(0, MAX_REQUESTS - 1)]
    waiting = waiting.filter((request) => !taken.includes(request))
    return taken
  }

  function next(): void {
    while (running < connections) {
      const taken = take()
      if (taken.length === 0) return
      running++
      run(taken)
    }
  }

  /**
   * @param request the arguments of `append_events`
   * @param patient whether it may wait for others
   */
  return (request: { appends: object[]; subject_keys: object[]; limits: object[] }, patient = false): Promise<void> =>
    new Promise((resolve, reject) => {
      // JSON has no raw line end, so that each request is one line.
      const line = JSON.stringify(request)
      const one: Waiting = { line, alone: request.limits.length > 0, due: !patient, resolve, reject }
      waiting.push(one)
      if (!patient) return next()
      setTimeout(() => {
        one.due = true
        next()
      }, PATIENCE_MS)
    })
}
