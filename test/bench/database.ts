import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import postgres from 'postgres'
import { createGatewayDatabase } from '../../scripts/lib/gateway-database.ts'
import { migrate } from '../../scripts/lib/migrate.ts'
import { startPostgres } from '../../scripts/lib/postgres.ts'

/** How much the application role has asked of the database so far. */
export type Work = { statements: number; writes: number }

export type BenchDatabase = {
  appUrl: string
  /** Superuser connection. */
  sql: postgres.Sql
  postmaster: number
  version: string
  /** Statements that the application role sent (pg_stat_statements) and transactions that wrote (transaction ids used). */
  work(): Promise<Work>
  stop(): Promise<void>
}

const SETTINGS = {
  shared_preload_libraries: 'pg_stat_statements',
  'pg_stat_statements.track': 'top',
  max_connections: '100',
  shared_buffers: '256MB',
}

/** A migrated database on a server of its own, durable as in production (fsync on). */
export async function startBenchDatabase(): Promise<BenchDatabase> {
  const folder = await mkdtemp(path.join(tmpdir(), 'auth-gateway-bench-'))
  const dataDirectory = path.join(folder, 'data')
  const server = await startPostgres({ dataDirectory, settings: SETTINGS })
  const { ownerUrl, appUrl, superuserUrl } = await createGatewayDatabase(server.url, 'bench')
  const directory = fileURLToPath(new URL('../../supabase/migrations', import.meta.url))
  await migrate({ url: ownerUrl, directory, applicationUrl: appUrl })
  const sql = postgres(superuserUrl, { max: 1, onnotice: () => {} })
  await sql`create extension pg_stat_statements`
  const [row] = await sql<{ version: string }[]>`select current_setting('server_version') as version`
  return {
    appUrl,
    sql,
    postmaster: Number((await readFile(path.join(dataDirectory, 'postmaster.pid'), 'utf8')).split('\n', 1)[0]),
    version: row?.version ?? '',
    async work() {
      const [counted] = await sql<Work[]>`
        select coalesce(sum(s.calls), 0)::int as statements, pg_snapshot_xmax(pg_current_snapshot())::text::int as writes
        from pg_stat_statements s join pg_roles r on r.oid = s.userid where r.rolname = ${new URL(appUrl).username}`
      return counted ?? { statements: 0, writes: 0 }
    },
    async stop() {
      await sql.end()
      await server.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
