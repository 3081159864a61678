import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import postgres from 'postgres'
import { createGatewayDatabase } from '../../scripts/lib/gateway-database.ts'
import { migrate } from '../../scripts/lib/migrate.ts'
import { startPostgres } from '../../scripts/lib/postgres.ts'

/** What the database did: statements of the application role, commits that wrote, and the CPU of all server processes (on Linux). */
export type Work = { statements: number; commits: number; cpuMicroseconds: number }

export type BenchDatabase = {
  appUrl: string
  /** Superuser connection. */
  sql: postgres.Sql
  postmaster: number
  version: string
  /** Starts to count, and returns what returns the work since then. */
  countWork(): Promise<() => Promise<Work>>
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
  await sql`create extension pg_walinspect`
  const [row] = await sql<{ version: string }[]>`select current_setting('server_version') as version`
  const postmaster = Number((await readFile(path.join(dataDirectory, 'postmaster.pid'), 'utf8')).split('\n', 1)[0])
  const read = async () => {
    const [row] = await sql<{ statements: number; lsn: string }[]>`
      select coalesce(sum(s.calls), 0)::int as statements, pg_current_wal_flush_lsn() as lsn
      from pg_stat_statements s join pg_roles r on r.oid = s.userid where r.rolname = ${new URL(appUrl).username}`
    if (!row) throw new Error('pg_stat_statements returned no row')
    return { ...row, cpuMicroseconds: await cpuOfChildren(postmaster) }
  }
  // Transaction ids cannot be counted: each request of a group has one of its own.
  const countCommits = async (from: string, to: string) => {
    if (from === to) return 0
    const [row] = await sql<{ commits: number }[]>`
      select coalesce(sum(count), 0)::int as commits from pg_get_wal_stats(${from}, ${to}, true)
      where "resource_manager/record_type" = 'Transaction/COMMIT'`
    return row?.commits ?? 0
  }
  return {
    appUrl,
    sql,
    postmaster,
    version: row?.version ?? '',
    async countWork() {
      const before = await read()
      return async () => {
        const after = await read()
        return {
          statements: after.statements - before.statements,
          commits: await countCommits(before.lsn, after.lsn),
          cpuMicroseconds: after.cpuMicroseconds - before.cpuMicroseconds,
        }
      }
    },
    async stop() {
      await sql.end()
      await server.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
