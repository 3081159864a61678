import postgres from 'postgres'
import type { TlsSettings } from '../../shared/database-tls.ts'
import { ensureApplicationRole, repairAccess } from './application-role.ts'
import { openConnection } from './gateway-database.ts'
import { lineOf, type Migration, readMigrations } from './migration-files.ts'
import { assertInStep, createLedger, newerThan, readLedger, reconcile, record } from './migration-ledger.ts'

interface MigrateOptions {
  /** Connection of the owner, direct or session mode. */
  url: string
  /** Folder of the `NNN_name.sql` files. */
  directory: string
  /** Connection string of the running gateway; its login role is created or completed. */
  applicationUrl?: string
  /** TLS settings of connections. */
  tls?: TlsSettings
  log?: (line: string) => void
}

/**
 * Applies the missing migrations. Each file runs in its own transaction, which first takes a lock, so that any number of
 * processes may run this at once and a file is applied once.
 * @returns the files that this call applied
 * @throws {MigrationDriftError} when an applied file has changed, is gone, or a new one comes too early
 * @throws {Error} naming file and line when a file fails; the files before it stay applied
 */
export async function migrate({
  url,
  directory,
  applicationUrl,
  tls = {},
  log = () => {},
}: MigrateOptions): Promise<string[]> {
  const migrations = await readMigrations(directory)
  const sql = openConnection(url, tls, { connection: { application_name: 'migrate' } })
  try {
    await exclusively(sql, (transaction) => prepareLedger(transaction, migrations, log))
    const applied: string[] = []
    try {
      for (const migration of migrations) {
        const started = performance.now()
        if (!(await exclusively(sql, (transaction) => apply(transaction, migration)))) continue
        log(`applied ${migration.file} (${Math.round(performance.now() - started)} ms)`)
        applied.push(migration.file)
      }
    } finally {
      if (applied.length > 0) await exclusively(sql, closeToPublic)
    }
    if (await exclusively(sql, (transaction) => repairAccess(transaction, migrations)))
      log('created the missing roles and grants')
    if (applicationUrl) await exclusively(sql, (lock) => ensureApplicationRole(lock, { url, applicationUrl, tls, log }))
    return applied
  } finally {
    await sql.end()
  }
}

// A transaction lock, not a session lock: it also works on a pooled connection and is always released.
async function exclusively<T>(sql: postgres.Sql, work: (sql: postgres.TransactionSql) => Promise<T>): Promise<T> {
  const result = await sql.begin(async (transaction) => {
    await transaction`set local statement_timeout = 0`
    await transaction`select pg_advisory_xact_lock(hashtextextended('auth_gateway.migrations', 0))`
    await transaction`set local lock_timeout = '30s'`
    return work(transaction)
  })
  return result as T
}

async function prepareLedger(sql: postgres.TransactionSql, migrations: Migration[], log: (line: string) => void) {
  await createLedger(sql)
  for (const { file } of await reconcile(sql, migrations)) log(`${file} was applied by the Supabase CLI`)
  const applied = await readLedger(sql)
  assertInStep(applied, migrations)
  const newer = newerThan(applied, migrations)
  if (newer.length > 0) log(newerText(newer))
}

/** Explains migrations of the database that this checkout does not have. */
export const newerText = (newer: string[]) =>
  `the database has ${newer.length} migrations that are newer than this checkout (from ${newer[0]}): fine for a roll-back, nothing to apply`

async function apply(sql: postgres.TransactionSql, migration: Migration): Promise<boolean> {
  if ((await readLedger(sql)).has(migration.version)) return false
  await sql
    .unsafe(migration.sql)
    .simple()
    .catch((error: unknown) => {
      throw located(error, migration)
    })
  await record(sql, migration)
  return true
}

/** Takes away what PostgreSQL grants every role on new functions: also when a file before the last one failed. */
async function closeToPublic(sql: postgres.TransactionSql): Promise<void> {
  const [row] = await sql<{ known: boolean }[]>`
    select to_regprocedure('auth_gateway.close_to_public()') is not null as known`
  if (row?.known) await sql`select auth_gateway.close_to_public()`
}

function located(error: unknown, { file, sql }: Migration): Error {
  if (!(error instanceof postgres.PostgresError)) return error instanceof Error ? error : new Error(String(error))
  const line = error.position ? `:${lineOf(sql, Number(error.position))}` : ''
  const context = [error.detail, error.hint, error.where].filter(Boolean).join('\n')
  return new Error(`${file}${line}: ${error.message}${context && `\n${context}`}`, { cause: error })
}
