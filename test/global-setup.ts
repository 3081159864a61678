import { access, mkdtemp, readdir, rm, stat, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import type { TestProject } from 'vitest/node'
import { createGatewayDatabase, onServer } from '../scripts/lib/gateway-database.ts'
import { migrate } from '../scripts/lib/migrate.ts'
import { startPostgres } from '../scripts/lib/postgres.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Superuser connection of the test server; the database to clone is called `template`. */
    postgres: { serverUrl: string; template: string }
  }
}

const PREFIX = 'auth-gateway-test-'
const FAST_AND_FORGETFUL = {
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  autovacuum: 'off',
  max_connections: '200',
  max_wal_size: '2GB',
  log_line_prefix: '%d ',
}

const MEMORY = '/dev/shm'
const ENOUGH_BYTES = 4 * 2 ** 30

/** Where the databases of a run are kept: in memory where there is room, which makes a copy of one three times as fast. */
async function placeForData(): Promise<string> {
  const room = await statfs(MEMORY).then(
    ({ bavail, bsize }) => bavail * bsize,
    () => 0,
  )
  return room > ENOUGH_BYTES ? MEMORY : tmpdir()
}

/**
 * One Postgres server for the whole run, with one migrated database that every test file clones. `POSTGRES_BIN` names the
 * folder of another version's server programs.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const place = await placeForData()
  await removeLeftOvers(place)
  const folder = await mkdtemp(path.join(place, PREFIX))
  const server = await startPostgres({
    dataDirectory: path.join(folder, 'data'),
    settings: FAST_AND_FORGETFUL,
    binDirectory: process.env.POSTGRES_BIN,
  })
  const teardown = async () => {
    await server.stop()
    await rm(folder, { recursive: true, force: true })
  }
  try {
    const template = 'gateway_template'
    const { ownerUrl, appUrl } = await createGatewayDatabase(server.url, template)
    const directory = fileURLToPath(new URL('../supabase/migrations', import.meta.url))
    await migrate({ url: ownerUrl, directory, applicationUrl: appUrl })
    await onServer(server.url, (sql) =>
      sql.unsafe(`alter database ${template} is_template true allow_connections false`),
    )
    project.provide('postgres', { serverUrl: server.url, template })
    return teardown
  } catch (error) {
    await teardown()
    throw error
  }
}

// Folders of runs that were killed; their server ended with them. A young one without a server is just being made.
async function removeLeftOvers(place: string): Promise<void> {
  const folders = (await readdir(place)).filter((name) => name.startsWith(PREFIX))
  for (const folder of folders.map((name) => path.join(place, name))) {
    const running = await access(path.join(folder, 'data', 'postmaster.pid')).then(
      () => true,
      () => false,
    )
    // Another run may have removed it by now.
    const { mtimeMs } = await stat(folder).catch(() => ({ mtimeMs: Date.now() }))
    if (!running && Date.now() - mtimeMs > 600_000) await rm(folder, { recursive: true, force: true })
  }
}
