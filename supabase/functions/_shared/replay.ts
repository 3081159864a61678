import postgres from 'postgres'
import { type Env, misconfigured } from './env.ts'
import { Refusal } from './http.ts'

const CLAIM_TIMEOUT_MS = 1_500
const RETRY_AFTER_SECONDS = 2
const MEMORY_LIMIT = 10_000
/** Of the claims of an instance, which also forget what has expired. */
const SWEEP_EVERY = 200
const OPERATOR_FAULTS = new Set(['28000', '28P01', '3D000', '3F000', '42501', '42883'])

export interface ReplayGuard {
  kind: GuardKind
  /**
   * True the first time `key` is claimed in `scope`, false until `expiresAt` afterwards.
   * Throws a 503 refusal when the answer cannot be known, so that nothing is sent on a guess.
   */
  claim(scope: string, key: Uint8Array, expiresAt: Date): Promise<boolean>
}

/** Where replays are recorded: see supabase/functions/README.md. */
type GuardKind = 'gateway' | 'project' | 'signature'

/**
 * The guard that `REPLAY_GUARD` chooses: the gateway's database (`REPLAY_DATABASE_URL`, or else the project's), a small table of its own in
 * the project's database, or `signature`: the time window of the signature, the memory of this instance, and the provider's
 * idempotency key. Unset means `project` where Supabase gives a database, which any project has, the gateway's or not.
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

/** Says at the first message what is wrong, in the log. */
function unusable(kind: string): ReplayGuard {
  const refuse = () => Promise.reject(misconfigured(`REPLAY_GUARD=${kind} names no guard, or one without a database`))
  return { kind: 'signature', claim: refuse }
}

/** A database that is neither on loopback nor the one that the platform gives must be reached by TLS. */
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

/** Made by the first message, by however many instances at once; old rows go when an instance starts to use it. */
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
  if (OPERATOR_FAULTS.has(code)) return misconfigured(`the replay guard cannot be used, see REPLAY_GUARD: ${code}`)
  return new Refusal(503, 'replay_guard_unavailable', 'The message cannot be accepted right now.', {
    detail: code,
    retryAfter: RETRY_AFTER_SECONDS,
  })
}
