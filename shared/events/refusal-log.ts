import { countRefusals, type RefusedFacts, recordRefusal, refusedRequest } from '../domain/refused-request.ts'
import { GatewayError } from '../errors.ts'
import { newId } from '../ids.ts'
import type { RuleName } from '../limits.ts'
import { log } from '../log.ts'
import { type CommitContext, commit } from './commit.ts'
import type { RateLimit } from './store.ts'

const MINUTE_MS = 60_000
/** Maximum callers counted separately per minute by this process, so that writing their counts stays fast. */
const MOST_CALLERS = 100

/** The refused caller, as far as known; a client may be unauthenticated. */
type RefusedCaller = { network: string; uai?: string; clientId?: string; credentialId?: string }

type Counted = {
  context: CommitContext
  /** Undefined for the sum of all callers without a separate count. */
  caller?: RefusedCaller
  callers: number
  since: number
  count: number
  refusals: Record<string, number>
}

export type RefusalLog = ReturnType<typeof createRefusalLog>

const isFull = (error: unknown) => error instanceof GatewayError && error.refusal === 'rate_limited'

/**
 * Records refused requests. Each is an event until a limit of its network, its caller or all callers is full. Further ones are counted
 * per caller in one event a minute, and beyond a limit of such counts for all other callers together. So every refusal is recorded,
 * and no one can grow the log without bound. Counts are written a minute after they began, with the next refused request or
 * checkpoint, or when the process ends; a killed process loses its last ones.
 */
export function createRefusalLog(limitsOf: (rule: RuleName, key: string) => RateLimit[], clock: () => Date) {
  const counts = new Map<string, Counted>()
  const fullUntil = new Map<string, number>()
  const timestamp = () => clock().getTime()
  const keyOf = ({ network, uai, clientId }: RefusedCaller) => `${network} ${uai ?? clientId ?? ''}`

  async function append(context: CommitContext, caller: RefusedCaller, facts: RefusedFacts): Promise<void> {
    const { network, uai, clientId, credentialId } = caller
    await commit(context, async (work) => {
      if (uai) work.actor = { type: 'person', id: uai, clientId, credentialId }
      work.limits = [
        ...limitsOf('refused', network),
        ...(uai || clientId ? limitsOf('refused-caller', uai ?? clientId ?? '') : []),
        ...limitsOf('refused-all', 'all'),
      ]
      const id = newId()
      work.start(refusedRequest, id, { subject: uai ?? id }).decide(() => recordRefusal(facts, network))
    })
  }

  function add(key: string, entry: Counted): void {
    const found = counts.get(key)
    if (!found) return void counts.set(key, entry)
    found.count += entry.count
    found.callers += key === '' ? entry.callers : 0
    for (const [name, n] of Object.entries(entry.refusals)) found.refusals[name] = (found.refusals[name] ?? 0) + n
  }

  function count(context: CommitContext, caller: RefusedCaller, refusal: string): void {
    const key = keyOf(caller)
    const isKept = counts.has(key) || counts.size < MOST_CALLERS
    const entry = { context, callers: 1, since: timestamp(), count: 1, refusals: { [refusal]: 1 } }
    if (isKept) add(key, { ...entry, caller })
    else add('', entry)
  }

  async function write({ context, caller, callers, since, count, refusals }: Counted): Promise<void> {
    await commit(context, async (work) => {
      if (caller?.uai) work.actor = { type: 'person', id: caller.uai, clientId: caller.clientId }
      if (caller) work.limits = limitsOf('refused-counted', 'all')
      const times = { since: new Date(since).toISOString(), until: clock().toISOString() }
      const of = caller ? { clientId: caller.clientId } : { callers }
      const id = newId()
      work
        .start(refusedRequest, id, { subject: caller?.uai ?? id })
        .decide(() => countRefusals({ ...times, count, refusals, ...of }, caller?.network))
    })
  }

  /** Writes the counts that began at least a minute ago, or all of them. */
  async function flush({ all = false } = {}): Promise<void> {
    const now = timestamp()
    for (const [key, until] of fullUntil) if (until <= now) fullUntil.delete(key)
    for (const [key, entry] of counts) {
      if (!all && now - entry.since < MINUTE_MS) continue
      counts.delete(key)
      await write(entry).catch((error: unknown) => {
        if (isFull(error) && key !== '') add('', { ...entry, caller: undefined })
        else log.warn('a count of refused requests was not recorded', { error, count: entry.count })
      })
    }
    if (all && counts.size > 0) await flush({ all })
  }

  return {
    /** Never changes the response: a failure is only logged. */
    async record(context: CommitContext, caller: RefusedCaller, facts: RefusedFacts): Promise<void> {
      const key = keyOf(caller)
      const now = timestamp()
      if ((fullUntil.get(key) ?? 0) > now) count(context, caller, facts.refusal)
      else
        await append(context, caller, facts).catch((error: unknown) => {
          if (!isFull(error)) return log.warn('a refusal was not recorded', { error })
          fullUntil.set(key, now + MINUTE_MS)
          count(context, caller, facts.refusal)
        })
      void flush()
    },
    /** Counts a rate-limited request, which never becomes a separate event. */
    count(context: CommitContext, caller: RefusedCaller, refusal: string): void {
      count(context, caller, refusal)
      void flush()
    },
    flush,
  }
}
