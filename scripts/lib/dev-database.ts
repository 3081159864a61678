import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { createGatewayDatabase, dropDatabase, onServer } from './gateway-database.ts'
import { migrate } from './migrate.ts'
import { MigrationDriftError } from './migration-ledger.ts'
import { type Postgres, startPostgres } from './postgres.ts'
import { exitText } from './process.ts'

const MIGRATIONS = 'supabase/migrations'
const SEED = 'supabase/seed.sql'
const USUAL_PORT = 54322
const AGAIN_MILLISECONDS = 500

export interface DevDatabase {
  /** For the gateway. */
  appUrl: string
  /** For the operator commands. */
  ownerUrl: string
  stop(): Promise<void>
}

interface Given {
  applicationUrl?: string
  ownerUrl?: string
}

/**
 * Returns a migrated database: the given one, or an embedded one in `folder`. The embedded one is recreated when an
 * applied migration was edited; a given one is never dropped.
 */
export async function devDatabase(folder: string, given: Given, log: (line: string) => void): Promise<DevDatabase> {
  if (!given.applicationUrl && !given.ownerUrl) return embedded(`${folder}/postgres`, log)
  const ownerUrl = given.ownerUrl ?? given.applicationUrl ?? ''
  const applicationUrl = given.applicationUrl ?? ownerUrl
  await migrate({ url: ownerUrl, directory: MIGRATIONS, applicationUrl, tls: process.env, log })
  return { appUrl: applicationUrl, ownerUrl, stop: async () => {} }
}

async function embedded(dataDirectory: string, log: (line: string) => void): Promise<DevDatabase> {
  const server = await startPostgres({ dataDirectory, preferredPort: USUAL_PORT })
  try {
    const { ownerUrl, appUrl } = await migrated(server.url, log)
    return { appUrl, ownerUrl, stop: keepRunning(server, dataDirectory, log) }
  } catch (error) {
    await server.stop()
    throw error
  }
}

/** Restarts the server on its port whenever it ends unexpectedly; returns the function that stops it. */
function keepRunning(first: Postgres, dataDirectory: string, log: (line: string) => void): () => Promise<void> {
  let server = first
  let stopped = false
  async function startAgain(): Promise<void> {
    await sleep(AGAIN_MILLISECONDS)
    if (stopped) return
    server = await startPostgres({ dataDirectory, port: first.port })
    log('ready again')
  }
  async function supervise(): Promise<void> {
    while (!stopped) {
      const code = await server.exited
      if (stopped) return
      log(`ended unexpectedly (${exitText(code)}): restarting`)
      await startAgain().catch((error: Error) => log(error.message))
    }
    await server.stop()
  }
  const supervision = supervise()
  return async () => {
    stopped = true
    await server.stop()
    await supervision
  }
}

async function migrated(serverUrl: string, log: (line: string) => void) {
  const name = 'auth_gateway'
  const database = await createGatewayDatabase(serverUrl, name)
  const options = { url: database.ownerUrl, directory: MIGRATIONS, applicationUrl: database.appUrl }
  const applied = await migrate(options).catch(async (error: unknown) => {
    if (!(error instanceof MigrationDriftError)) throw error
    log(`${error.message}: recreating the development database`)
    await dropDatabase(serverUrl, name)
    await createGatewayDatabase(serverUrl, name)
    return migrate(options)
  })
  if (applied.length > 0) {
    const seed = await readFile(SEED, 'utf8')
    await onServer(database.ownerUrl, (sql) => sql.unsafe(seed).simple())
    log(`${applied.length} migrations applied`)
  }
  return database
}
