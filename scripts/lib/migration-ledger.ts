import type postgres from 'postgres'
import type { Migration } from './migration-files.ts'

/** The database and the files disagree about what was applied. */
export class MigrationDriftError extends Error {
  override name = 'MigrationDriftError'
}

type Sql = postgres.Sql | postgres.TransactionSql

/** Creates the ledger when it is missing. Supabase's own ledger is never created here, only kept in step. */
export async function createLedger(sql: Sql): Promise<void> {
  await sql.unsafe(`
    set local client_min_messages = warning;
    create schema if not exists auth_gateway;
    create table if not exists auth_gateway.migrations (
      version text primary key,
      name text not null,
      checksum text not null,
      applied_at timestamptz not null default now()
    )`)
}

/** Returns the checksums of the applied migrations by version. */
export async function readLedger(sql: Sql): Promise<Map<string, string>> {
  const rows = await sql<{ version: string; checksum: string }[]>`select version, checksum from auth_gateway.migrations`
  return new Map(rows.map((row) => [row.version, row.checksum]))
}

/** Records a migration in the ledger, and in that of the Supabase CLI if the database has one. */
export async function record(sql: Sql, migration: Migration): Promise<void> {
  const { version, name, checksum } = migration
  await sql`insert into auth_gateway.migrations (version, name, checksum) values (${version}, ${name}, ${checksum})
    on conflict do nothing`
  if (await hasSupabaseLedger(sql))
    await sql`insert into supabase_migrations.schema_migrations (version, name, statements)
      values (${version}, ${name}, ${[migration.sql]}) on conflict do nothing`
}

/**
 * Syncs both ledgers: what `supabase db push` applied counts as applied here, and vice versa.
 * @returns the migrations that the Supabase CLI had applied
 */
export async function reconcile(sql: Sql, migrations: Migration[]): Promise<Migration[]> {
  if (!(await hasSupabaseLedger(sql))) return []
  const rows = await sql<{ version: string; name: string | null }[]>`
    select version, name from supabase_migrations.schema_migrations`
  const theirs = new Map(rows.map((row) => [row.version, row.name]))
  const ours = await readLedger(sql)
  const taken = migrations.filter(({ version, name }) => !ours.has(version) && theirs.get(version) === name)
  const given = migrations.filter(({ version, checksum }) => ours.get(version) === checksum && !theirs.has(version))
  for (const migration of [...taken, ...given]) await record(sql, migration)
  return taken
}

/** Returns applied versions that are later than every file: a newer checkout applied them. */
export function newerThan(applied: Map<string, string>, migrations: Migration[]): string[] {
  const last = migrations.at(-1)?.version ?? ''
  return [...applied.keys()].filter((version) => version > last).sort()
}

/**
 * Compares the applied migrations with the files. Those newer than every file are left to `newerThan`.
 * @throws {MigrationDriftError} when an applied file has changed or is gone, or a new file comes before an applied one
 */
export function assertInStep(applied: Map<string, string>, migrations: Migration[]): void {
  const known = new Map(migrations.map((migration) => [migration.version, migration]))
  const last = [...applied.keys()].sort().at(-1) ?? ''
  const newer = new Set(newerThan(applied, migrations))
  for (const [version, checksum] of applied) {
    if (newer.has(version)) continue
    const migration = known.get(version)
    if (!migration) throw new MigrationDriftError(`Migration ${version} is applied, but there is no file for it`)
    if (migration.checksum !== checksum)
      throw new MigrationDriftError(`${migration.file} has changed since it was applied`)
  }
  const late = migrations.find(({ version }) => version < last && !applied.has(version))
  if (late) throw new MigrationDriftError(`${late.file} is new, but ${last} is applied already: give it a later number`)
}

async function hasSupabaseLedger(sql: Sql): Promise<boolean> {
  const [row] = await sql<{ exists: boolean }[]>`
    select to_regclass('supabase_migrations.schema_migrations') is not null as exists`
  return row?.exists ?? false
}
