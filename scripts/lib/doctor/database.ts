import { fileURLToPath } from 'node:url'
import { lagProblems } from '../../../shared/audit/lag.ts'
import { findLostHistory } from '../../../shared/audit/lost-history.ts'
import { type TlsKind, tlsKind } from '../../../shared/database-tls.ts'
import type { Gateway } from '../../../shared/gateway.ts'
import { cellOf } from '../../../shared/ids.ts'
import { readLogLag } from '../../../shared/queries/log-lag.ts'
import { listSigningKeys } from '../../../shared/queries/signing-keys.ts'
import { inspectDatabase, startWarnings } from '../../../shared/start.ts'
import { isRewrapping } from '../../../shared/tokens/key-ring.ts'
import { configuredRoots } from '../../../shared/tokens/roots.ts'
import { openConnection } from '../gateway-database.ts'
import { grantText, listForeignGrants, listUnguarded } from '../guards.ts'
import { newerText } from '../migrate.ts'
import { readMigrations } from '../migration-files.ts'
import { assertInStep, newerThan, readLedger } from '../migration-ledger.ts'
import { type Checked, type Finding, look, ok, warning, wrong } from './check.ts'

const OLDEST_POSTGRES = 15
const MOST_SKEW_SECONDS = 5
const DAY_MILLISECONDS = 86_400_000
const migrationFiles = fileURLToPath(new URL('../../../supabase/migrations', import.meta.url))

const checkConnection = ({ reads }: Gateway) =>
  look(
    'database',
    'Set DATABASE_URL to a Postgres that this machine reaches, with the password of the login role',
    async () => {
      const startedAt = performance.now()
      const [row] = await reads`select current_setting('server_version') as version, current_user as role`
      const milliseconds = Math.round(performance.now() - startedAt)
      const detail = `PostgreSQL ${row?.version} as ${row?.role}, ${milliseconds} ms`
      return Number.parseInt(row?.version, 10) < OLDEST_POSTGRES
        ? wrong(detail, `Use PostgreSQL ${OLDEST_POSTGRES} or newer`)
        : ok(detail)
    },
  )

const checkRole = ({ reads }: Gateway) =>
  look('role', 'npm run migrate', async () => {
    const [row] = await reads`
      select r.rolname as name, r.rolsuper or r.rolbypassrls as above, c.relowner = r.oid as owner,
        has_table_privilege(r.oid, c.oid, 'select') as reads,
        has_table_privilege(r.oid, c.oid, 'insert, update, delete, truncate') as writes,
        has_function_privilege(r.oid, 'auth_gateway.append_requests(text)', 'execute') as appends,
        current_setting('statement_timeout') as timeout
      from pg_roles r, pg_class c where r.rolname = current_user and c.oid = 'auth_gateway.event_store'::regclass`
    if (row?.above || row?.owner || row?.writes)
      return wrong(
        `${row.name} may do more than append and read`,
        'Use a separate login in DATABASE_URL and run npm run migrate',
      )
    if (!row?.reads || !row.appends) return wrong(`${row?.name} may not append or read`, 'npm run migrate')
    return row.timeout === '0'
      ? warning(`${row.name} has no statement_timeout`, 'npm run migrate gives it one')
      : ok(`${row.name} may append and read, nothing else`)
  })

const TLS: Record<TlsKind, Finding> = {
  loopback: ok('none, on loopback'),
  plaintext: warning('none: DATABASE_PLAINTEXT is set', 'Fine only in a private network between containers'),
  encrypted: warning('encrypted, with any certificate', 'Set DATABASE_CA to the CA of the database'),
  verified: ok('encrypted, the certificate is checked against DATABASE_CA'),
  url: ok('encrypted, the certificate is checked (sslmode=verify-full)'),
}

const checkMigrations = ({ config }: Gateway, ownerUrl: string | undefined) =>
  look('migrations', 'npm run migrate, from the version that is deployed', async () => {
    if (!ownerUrl) return warning('not checked', 'Set DATABASE_MIGRATION_URL here to compare them')
    const sql = openConnection(ownerUrl, config, { connect_timeout: 5 })
    try {
      const migrations = await readMigrations(migrationFiles)
      const applied = await readLedger(sql)
      assertInStep(applied, migrations)
      const newer = newerThan(applied, migrations)
      if (newer.length > 0)
        return warning(newerText(newer), 'Nothing, after a roll-back; otherwise run this from the newer checkout')
      const missing = migrations.filter(({ version }) => !applied.has(version))
      return missing.length > 0
        ? wrong(`${missing.length} not applied, the first is ${missing[0]?.file}`, 'npm run migrate')
        : ok(`${applied.size} applied`)
    } finally {
      await sql.end({ timeout: 1 })
    }
  })

const checkHistory = (gateway: Gateway) =>
  look('history', 'npm run events -- verify', async () => {
    const { CHECKPOINT_FILE, CHECKPOINT_URL } = gateway.config
    if (!CHECKPOINT_FILE && (!CHECKPOINT_URL || CHECKPOINT_URL.includes('{size}')))
      return warning(
        'the newest checkpoint is not kept outside',
        'Set CHECKPOINT_FILE, or CHECKPOINT_URL without {size}: otherwise an older backup would be served as current',
      )
    const lost = await findLostHistory(gateway)
    return lost
      ? wrong(
          `the kept checkpoint covers ${lost.kept.size} events, the database has ${lost.size}: it was restored from an older backup`,
          'npm run events -- after-restore --reason …; see docs/operations.md',
        )
      : ok('has everything that the kept checkpoint covers')
  })

// In transaction mode, a second idle client gets the server connection that the first one just released.
const checkPooler = ({ config, reads }: Gateway) =>
  look('pooler', 'Set DATABASE_URL to the pooler', async () => {
    const clients = [1, 2].map(() => openConnection(config.DATABASE_URL, config))
    try {
      const seen = new Set<number>()
      for (const sql of [...clients, ...clients]) seen.add((await sql`select pg_backend_pid() as pid`)[0]?.pid)
      if (seen.size === 1) return ok('transaction mode')
      const [row] = await reads`select current_setting('max_connections') as most`
      return warning(
        `direct, or in session mode: each process takes up to 7 of ${row?.most} connections`,
        'Fine for a few servers; on Netlify use the pooler in transaction mode (Supabase: port 6543)',
      )
    } finally {
      await Promise.all(clients.map((sql) => sql.end({ timeout: 1 })))
    }
  })

const LAG_CHECKS = {
  checkpoints: 'cover the log',
  webhooks: 'keep up',
  messages: 'none is waiting',
  partitions: 'created ahead',
} as const

/** Checks what follows the log: one finding for each kind, or for each of its problems. */
async function checkLag({ reads, config }: Gateway): Promise<Checked[]> {
  const publishes = Boolean(config.CHECKPOINT_URL || config.CHECKPOINT_FILE)
  const problems = await readLogLag(reads).then(
    (lag) => lagProblems(lag, publishes),
    (error: Error) => error,
  )
  if (problems instanceof Error) return [{ check: 'partitions', ...wrong(problems.message, 'npm run migrate') }]
  return Object.entries(LAG_CHECKS).flatMap(([check, fine]): Checked[] => {
    const found = problems.filter(({ what }) => what === check)
    return found.length === 0
      ? [{ check, ...ok(fine) }]
      : found.map(({ detail, cause, fix, minor }) => ({
          check,
          ...(minor ? warning : wrong)([detail, cause].filter(Boolean).join('; '), fix),
        }))
  })
}

const checkKeys = ({ keys, config, reads }: Gateway) =>
  look('keys', 'Set AUTH_MASTER_SECRET to the root of this database', async () => {
    if ((await listSigningKeys(reads)).length === 0)
      return warning('none yet', 'The first request for a token or for the key set creates them')
    const [oldest] = (await keys.published()).filter((key) => !key.expiresAt)
    const days = Math.floor((Date.now() - (oldest?.activeFrom.getTime() ?? Date.now())) / DAY_MILLISECONDS)
    const detail = `opened with the key ring, ${Math.max(0, days)} days old`
    const late = config.SIGNING_KEY_DAYS > 0 && days > config.SIGNING_KEY_DAYS + 1
    return late ? warning(detail, 'The scheduled job does not run: fix it, and npm run keys -- rotate') : ok(detail)
  })

const checkRewrap = ({ ring }: Gateway) =>
  look('rewrap', 'docs/operations/keys.md', async () =>
    isRewrapping(ring.all())
      ? warning('it was begun and is not finished: values are still under older keys', 'npm run keys -- rewrap')
      : ok('no value is under older keys'),
  )

const checkAuditKey = ({ config }: Gateway) =>
  look('audit key', 'docs/operations/keys.md', async () =>
    config.AUDIT_SIGNING_KEY
      ? ok('the audit log is signed with a key of its own')
      : warning(
          'the audit log is signed with a key of the key ring: who has its root can also sign',
          'Set AUDIT_SIGNING_KEY (docs/operations/keys.md)',
        ),
  )

const checkStart = ({ reads, config }: Gateway) =>
  look('start', 'See "What starts, and what does not" in docs/configuration.md', async () => {
    const { ring, warnings } = await inspectDatabase(reads, config)
    const count = configuredRoots(config).length
    const which = count === 1 || !ring ? '' : `, with root ${ring.root + 1} of ${count}`
    const newer = warnings.includes('newer_migrations')
    if (newer) return warning(startWarnings.newer_migrations, 'Fine during a release, or after a roll-back')
    return ok(ring ? `a process may serve it${which}` : 'a new database, which the first process initializes')
  })

const checkGuards = ({ reads }: Gateway) =>
  look('append-only', 'npm run migrate', async () => {
    const missing = await listUnguarded(reads)
    if (missing.length === 0) return ok('every trigger of the event store fires')
    const named = missing.slice(0, 3).map(({ relation, guard }) => `${guard} of ${relation}`)
    const more = missing.length > 3 ? ` and ${missing.length - 3} more` : ''
    return wrong(
      `disabled or missing: ${named.join(', ')}${more}`,
      'Enable them (alter table … enable trigger …), then npm run events -- verify with a checkpoint kept outside',
    )
  })

const checkGrants = ({ reads }: Gateway) =>
  look('grants', 'npm run migrate', async () => {
    const grants = await listForeignGrants(reads)
    if (grants.length === 0) return ok('nothing for other roles')
    const fix = 'Revoke them: only the gateway should read and append'
    return (grants.some(({ severe }) => severe) ? wrong : warning)(grants.map(grantText).join('; '), fix)
  })

const checkCell = ({ reads, config }: Gateway) =>
  look('cell', 'Set CELL to the number of the cell of this database', async () => {
    const [row] = await reads<{ id: string }[]>`
      select event_id as id from auth_gateway.event_store where metadata->>'actor' is distinct from 'migration'
      order by position desc limit 1`
    const cell = row ? cellOf(row.id) : config.CELL
    return cell === config.CELL
      ? ok(`${cell}`)
      : wrong(
          `CELL is ${config.CELL}, but the newest event was made in cell ${cell}`,
          'Set CELL to the number of the cell of this database',
        )
  })

const checkClock = ({ reads }: Gateway) =>
  look('clock', 'Sync the system clock by NTP', async () => {
    const before = Date.now()
    const [row] = await reads<{ now: Date }[]>`select clock_timestamp() as now`
    const skew = Math.abs((row?.now.getTime() ?? 0) - (before + Date.now()) / 2) / 1000
    const detail = `${skew.toFixed(1)} s from the database`
    return skew > MOST_SKEW_SECONDS ? wrong(detail, 'Sync the system clock by NTP') : ok(detail)
  })

/** Checks the database, as the gateway sees it. */
export async function checkDatabase(gateway: Gateway, ownerUrl: string | undefined): Promise<Checked[]> {
  const connection = await checkConnection(gateway)
  if (connection.state === 'wrong') return [connection]
  return [
    connection,
    { check: 'TLS', ...TLS[tlsKind(gateway.config.DATABASE_URL, gateway.config)] },
    await checkRole(gateway),
    await checkMigrations(gateway, ownerUrl),
    await checkStart(gateway),
    await checkGuards(gateway),
    await checkGrants(gateway),
    await checkHistory(gateway),
    ...(await checkLag(gateway)),
    await checkPooler(gateway),
    await checkKeys(gateway),
    await checkCell(gateway),
    await checkAuditKey(gateway),
    await checkRewrap(gateway),
    await checkClock(gateway),
  ]
}
