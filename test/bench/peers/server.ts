import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type postgres from 'postgres'
import { openConnection } from '../../../scripts/lib/gateway-database.ts'
import { startPostgres } from '../../../scripts/lib/postgres.ts'

/** Everything else is the default: fsync and synchronous_commit stay on. */
const SETTINGS = {
  shared_preload_libraries: 'pg_stat_statements',
  max_connections: '150',
  shared_buffers: '1GB',
  max_wal_size: '4GB',
}

export type DatabaseServer = {
  /** Superuser of the database `postgres`. */
  url: string
  sql: postgres.Sql
  /** Process id. */
  postmaster: number
  version: string
  stop(): Promise<void>
}

/** Starts the Postgres that all servers share, each with a database of its own. */
export async function startDatabaseServer(): Promise<DatabaseServer> {
  const folder = await mkdtemp(path.join(tmpdir(), 'auth-gateway-bench-peers-'))
  const dataDirectory = path.join(folder, 'data')
  const server = await startPostgres({ dataDirectory, settings: SETTINGS })
  const sql = openConnection(server.url, {})
  await sql`create extension pg_stat_statements`
  const [row] = await sql<{ version: string }[]>`select current_setting('server_version') as version`
  return {
    url: server.url,
    sql,
    postmaster: Number((await readFile(path.join(dataDirectory, 'postmaster.pid'), 'utf8')).split('\n', 1)[0]),
    version: row?.version ?? '',
    async stop() {
      await sql.end()
      await server.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
