import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import postgres from 'postgres'
import { createGatewayDatabase } from '../../scripts/lib/gateway-database.ts'
import { migrate } from '../../scripts/lib/migrate.ts'
import { startPostgres } from '../../scripts/lib/postgres.ts'

/** How much the application role has asked of the database so far. */
export type Work = { statements: number; writes: number; cpuMicroseconds: number }

export type BenchDatabase = {
  appUrl: string
  /** Superuser connection. */
  sql: postgres.Sql
  postmaster: number
  version: string
  /**
   * Statements that the application role sent (pg_stat_statements), transactions that wrote (transaction ids used), and the CPU
   * of all server processes (on Linux).
   */
  work(): Promise<Work>
  stop(): Promise<void>
}

/** CPU of all living children of a process, microseconds: the first number of their `schedstat` is nanoseconds on a core. */
async function cpuOfChildren(pid: number): Promise<number> {
  const read = (file: string) => readFile(`/proc/${file}`, 'utf8').catch(() => '')
  const children = (await read(`${pid}/task/${pid}/children`)).split(' ').filter(Boolean)
  const used = await Promise.all(
    children.map(async (child) => Number((await read(`${child}/schedstat`)).split(' ')[0])),
  )
  return used.reduce((sum, nanoseconds) => sum + nanoseconds, 0) / 1000
}

const SETTINGS = {
  shared_preload_libraries: 'pg_stat_statements',
  'pg_stat_statements.track': 'top',
  max_connections: '100',
  shared_buffers: '256MB',
}

/**
 * A migrated database on a server of its own, durable as in production (fsync on).
 * @param settings more of the server's
 */
export async function startBenchDatabase(settings: Record<string, string> = {}): Promise<BenchDatabase> {
  const folder = await mkdtemp(path.join(tmpdir(), 'auth-gateway-bench-'))
  const dataDirectory = path.join(folder, 'data')
  const server = await startPostgres({ dataDirectory, settings: { ...SETTINGS, ...settings } })
  const { ownerUrl, appUrl, superuserUrl } = await createGatewayDatabase(server.url, 'bench')
  const directory = fileURLToPath(new URL('../../supabase/migrations', import.meta.url))
  await migrate({ url: ownerUrl, directory, applicationUrl: appUrl })
  const sql = postgres(superuserUrl, { max: 1, onnotice: () => {} })
  await sql`create extension pg_stat_statements`
  const [row] = await sql<{ version: string }[]>`select current_setting('server_version') as version`
  const postmaster = Number((await readFile(path.join(dataDirectory, 'postmaster.pid'), 'utf8')).split('\n', 1)[0])
  return {
    appUrl,
    sql,
    postmaster,
    version: row?.version ?? '',
    async work() {
      const [counted] = await sql<Omit<Work, 'cpuMicroseconds'>[]>`
        select coalesce(sum(s.calls), 0)::int as statements, pg_snapshot_xmax(pg_current_snapshot())::text::int as writes
        from pg_stat_statements s join pg_roles r on r.oid = s.userid where r.rolname = ${new URL(appUrl).username}`
      return { statements: 0, writes: 0, ...counted, cpuMicroseconds: await cpuOfChildren(postmaster) }
    },
    async stop() {
      await sql.end()
      await server.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
