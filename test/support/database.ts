import { randomBytes } from 'node:crypto'
import { inject } from 'vitest'
import { dropDatabase, type GatewayDatabase, gatewayDatabase, onServer } from '../../scripts/lib/gateway-database.ts'

export interface TestDatabase extends GatewayDatabase {
  name: string
  /** Drops it, open connections included. */
  drop(): Promise<void>
}

/** A migrated database of the caller's own, cloned from the template of this run. */
export async function createTestDatabase(): Promise<TestDatabase> {
  return create(inject('postgres').template)
}

/** A database of the caller's own without any migration. */
export async function createEmptyDatabase(): Promise<TestDatabase> {
  return create('template1')
}

/** A copy of a database that no one is connected to. */
export const copyOf = ({ name }: TestDatabase): Promise<TestDatabase> => create(name)

async function create(template: string): Promise<TestDatabase> {
  const { serverUrl } = inject('postgres')
  const name = `test_${randomBytes(8).toString('hex')}`
  await onServer(
    serverUrl,
    // Copies files: half the work of writing each page to the log, for a server that loses nothing worth keeping.
    (sql) => sql`create database ${sql(name)} template ${sql(template)} strategy file_copy owner auth_gateway_owner`,
  )
  return { ...gatewayDatabase(serverUrl, name), name, drop: () => dropDatabase(serverUrl, name) }
}
