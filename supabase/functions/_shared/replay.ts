import postgres from 'postgres'
import { misconfigured } from './env.ts'
import { Refusal } from './http.ts'

const CLAIM_TIMEOUT_MS = 1_500
const RETRY_AFTER_SECONDS = 2
const MEMORY_LIMIT = 10_000
const OPERATOR_FAULTS = new Set(['28000', '28P01', '3D000', '3F000', '42501', '42883'])

export interface ReplayGuard {
  /**
   * True the first time `key` is claimed in `scope`, false until `expiresAt` afterwards.
   * Throws a 503 refusal when the answer cannot be known, so that nothing is sent on a guess.
   */
  claim(scope: string, key: Uint8Array, expiresAt: Date): Promise<boolean>
}

/** A guard shared by all instances when a database is given, otherwise one that this instance remembers alone. */
export function createReplayGuard(databaseUrl: string | undefined): ReplayGuard {
  return databaseUrl ? databaseGuard(databaseUrl) : memoryGuard()
}

function memoryGuard(): ReplayGuard {
  const seen = new Map<string, number>()
  return {
    claim(scope, key, expiresAt) {
      const now = Date.now()
      const entry = `${scope}:${btoa(String.fromCharCode(...key))}`
      if ((seen.get(entry) ?? 0) > now) return Promise.resolve(false)
      seen.delete(entry)
      if (seen.size >= MEMORY_LIMIT) forget(seen, now)
      seen.set(entry, expiresAt.getTime())
      return Promise.resolve(true)
    },
  }
}

function forget(seen: Map<string, number>, now: number): void {
  for (const [entry, expiry] of seen) {
    if (expiry <= now) seen.delete(entry)
  }
  const eldest = seen.keys().next()
  if (seen.size >= MEMORY_LIMIT && !eldest.done) seen.delete(eldest.value)
}

function databaseGuard(databaseUrl: string): ReplayGuard {
  let current: postgres.Sql | undefined
  return {
    async claim(scope, key, expiresAt) {
      current ??= connect(databaseUrl)
      const sql = current
      try {
        const [row] = await within(
          CLAIM_TIMEOUT_MS,
          sql<{ first: boolean }[]>`select auth_gateway.claim_once(${scope}, ${key}, ${expiresAt}) as first`,
        )
        return row?.first === true
      } catch (error) {
        if (current === sql) current = undefined
        sql.end({ timeout: 0 }).catch(() => undefined)
        throw unavailable(error)
      }
    },
  }
}

function connect(databaseUrl: string): postgres.Sql {
  return postgres(databaseUrl, { max: 1, prepare: false, idle_timeout: 20, connect_timeout: 2, onnotice: () => {} })
}

async function within<T>(milliseconds: number, work: PromiseLike<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const expiry = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('timeout')), milliseconds)
  })
  try {
    return await Promise.race([work, expiry])
  } finally {
    clearTimeout(timer)
  }
}

function unavailable(error: unknown): Refusal {
  const code = String((error as { code?: unknown }).code ?? 'timeout')
  if (OPERATOR_FAULTS.has(code)) return misconfigured(`auth_gateway.claim_once cannot be called: ${code}`)
  return new Refusal(503, 'replay_guard_unavailable', 'The message cannot be accepted right now.', {
    detail: code,
    retryAfter: RETRY_AFTER_SECONDS,
  })
}
