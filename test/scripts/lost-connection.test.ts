import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { keys } from '../../scripts/keys.ts'
import { onServer } from '../../scripts/lib/gateway-database.ts'
import { loadConfig } from '../../shared/config.ts'
import { openGateway } from '../../shared/gateway.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { call } from './terminal.ts'

let database: TestDatabase
let env: Record<string, string>
beforeAll(async () => {
  database = await createTestDatabase()
  const own = {
    NODE_ENV: 'test',
    DATABASE_URL: database.appUrl,
    AUTH_MASTER_SECRET: randomBytes(32).toString('base64'),
  }
  env = { ...own, DATABASE_MIGRATION_URL: database.ownerUrl }
  await (await openGateway(loadConfig(own))).gateway.close()
}, 60_000)
afterAll(() => database?.drop())

/** Ends the command's connection for transactions while it waits for the overlap; returns whether it did. */
const disconnect = () =>
  onServer(
    database.superuserUrl,
    async (sql) =>
      (
        await sql`
          select pg_terminate_backend(pid) from pg_stat_activity
          where datname = ${database.name} and application_name = 'operator'
            and state = 'idle' and state_change < clock_timestamp() - interval '300 milliseconds'`
      ).length > 0,
  )

test('a command that loses its connection is refused, and finishes when it is run again', async () => {
  const lost = call(keys, env, 'rewrap', '--known', '0', '--overlap', '30')
  await expect.poll(disconnect, { timeout: 20_000 }).toBe(true)
  expect(await lost).toEqual({
    exitCode: 1,
    out: '',
    err: 'The database ended the connection. Run the command again.',
  })
  expect((await call(keys, env, 'rewrap', '--known', '0', '--overlap', '0')).exitCode).toBe(0)
})
