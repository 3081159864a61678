import postgres from 'postgres'
import { type Env, misconfigured } from './env.ts'
import { Refusal } from './http.ts'

const CLAIM_TIMEOUT_MS = 1_500
const RETRY_AFTER_SECONDS = 2
const MEMORY_LIMIT = 10_000
/** An instance deletes expired rows once in so many claims. */
const SWEEP_EVERY = 200
const OPERATOR_ERRORS = new Set(['28000', '28P01', '3D000', '3F000', '42501', '42883'])

export interface ReplayGuard {
  kind: GuardKind
  /**
   * Returns true the first time `key` is claimed in `scope`, then false until `expiresAt`.
   * @throws Refusal 503 when the result is unknown, so that no message is sent twice
   */
  claim(scope: string, key: Uint8Array, expiresAt: Date): Promise<boolean>
}

/** Where replays are recorded: see supabase/functions/README.md. */
type GuardKind = 'gateway' | 'project' | 'signature'

/**
 * Returns the guard that `REPLAY_GUARD` selects: the gateway's database (`REPLAY_DATABASE_URL`, or else the project's), a separate table in
 * the project's database, or `signature`: the time window of the signature, the memory of this instance, and the provider's
 * idempotency key. The default is `project` if Supabase provides a database, as every project does.
 */
export function createReplayGuard(env: Env): ReplayGuard {
  const project = env.SUPABASE_DB_URL?.trim() || undefined
  const own = env.REPLAY_DATABASE_URL?.trim() || undefined
  const kind = env.REPLAY_GUARD?.trim() || (project ? 'project' : 'signature')
  if (kind === 'signature') return { kind, ...memoryGuard() }
  const url = kind === 'gateway' ? (own ?? project) : project
  if (!url || !(kind === 'gateway' || kind === 'project')) return unusable(kind)
  return { kind, ...databaseGuard(url, kind === 'gateway' ? claimAtGateway : claimInProject, isElsewhere(own)) }
}

/** Refuses every message, with the reason in the log. */
function unusable(kind: string): ReplayGuard {
  const refuse = () => Promise.reject(misconfigured(`REPLAY_GUARD=${kind} is not a guard, or has no database`))
  return { kind: 'signature', claim: refuse }
}

/** A database that is neither on loopback nor provided by the platform requires TLS. */
const isElsewhere = (url: string | undefined) =>
  url !== undefined && !/^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(new URL(url).hostname)

type Claim = (sql: postgres.Sql, scope: string, key: Uint8Array, expiresAt: Date) => Promise<boolean>

const claimAtGateway: Claim = async (sql, scope, key, expiresAt) => {
  const [row] = await sql<{ first: boolean }[]>`select auth_gateway.claim_once(${scope}, ${key}, ${expiresAt}) as first`
  return row?.first === true
}

const claimInProject: Claim = async (sql, scope, key, expiresAt) => {
  const claim = () => sql`
    insert into auth_gateway_edge.replay_guard as g (scope, key, expires_at) values (${scope}, ${key}, ${expiresAt})
    on conflict (scope, key) do update set expires_at = excluded.expires_at where g.expires_at <= now() returning true`
  try {
    return (await claim()).length === 1
  } catch (error) {
    if (!MISSING.has(String((error as { code?: unknown }).code))) throw error
    await makeTable(sql)
    return (await claim()).length === 1
  }
}

const MISSING = new Set(['42P01', '3F000'])

/** Creates the table at the first message; any number of instances may do so at once. */
async function makeTable(sql: postgres.Sql): Promise<void> {
  await sql.begin(async (transaction) => {
    await transaction`select pg_advisory_xact_lock(hashtextextended('auth_gateway_edge', 0))`
    await transaction`create schema if not exists auth_gateway_edge`
    await transaction`revoke all on schema auth_gateway_edge from public`
    await transaction`
      create table if not exists auth_gateway_edge.replay_guard (
        scope text not null, key bytea not null, expires_at timestamptz not null, primary key (scope, key))`
  })
}

function memoryGuard(): Omit<ReplayGuard, 'kind'> {
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

function databaseGuard(databaseUrl: string, once: Claim, tls: boolean): Omit<ReplayGuard, 'kind'> {
  let current: postgres.Sql | undefined
  let claims = 0
  return {
    async claim(scope, key, expiresAt) {
      current ??= connect(databaseUrl, tls)
      const sql = current
      try {
        const first = await within(CLAIM_TIMEOUT_MS, once(sql, scope, key, expiresAt))
        if (once === claimInProject && claims++ % SWEEP_EVERY === 0)
          void sql`delete from auth_gateway_edge.replay_guard where expires_at <= now()`.catch(() => undefined)
        return first
      } catch (error) {
        if (current === sql) current = undefined
        sql.end({ timeout: 0 }).catch(() => undefined)
        throw unavailable(error)
      }
    },
  }
}

function connect(databaseUrl: string, tls: boolean): postgres.Sql {
  const options = { max: 1, prepare: false, idle_timeout: 20, connect_timeout: 2, onnotice: () => {} }
  return postgres(databaseUrl, { ...options, ...(tls && { ssl: 'require' as const }) })
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
  if (OPERATOR_ERRORS.has(code)) return misconfigured(`the replay guard cannot be used, see REPLAY_GUARD: ${code}`)
  return new Refusal(503, 'replay_guard_unavailable', 'The message cannot be accepted right now.', {
    detail: code,
    retryAfter: RETRY_AFTER_SECONDS,
  })
}
