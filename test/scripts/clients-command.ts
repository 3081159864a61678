import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import postgres from 'postgres'
import { afterAll, beforeAll, expect } from 'vitest'
import { clients } from '../../scripts/clients.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { call } from './terminal.ts'

export const NATIVE = ['--name', 'My CLI', '--redirect-uri', 'http://127.0.0.1:8080/callback']
export const WEB = ['--name', 'My App', '--redirect-uri', 'https://app.example/callback']
export const SERVICE = ['--name', 'Key manager', '--grant-type', 'client_credentials', '--scope', 'secrets:read']

/** `npm run clients` for the tests of a file, on a database and in a folder of their own. */
export function useClientsCommand() {
  let database: TestDatabase
  let owner: postgres.Sql
  let folder: string

  beforeAll(async () => {
    database = await createTestDatabase()
    owner = postgres(database.ownerUrl, { max: 1, onnotice: () => {} })
    folder = await mkdtemp(path.join(tmpdir(), 'clients-'))
  })

  afterAll(async () => {
    await owner?.end()
    await database?.drop()
    await rm(folder, { recursive: true, force: true })
  })

  const cli = (...args: string[]) => call(clients, { DATABASE_MIGRATION_URL: database.ownerUrl }, ...args)

  return {
    cli,
    /** What the command returns as JSON; it must succeed. */
    async json(...args: string[]) {
      const { exitCode, out, err } = await cli(...args, '--json')
      expect(err).toBe('')
      expect(exitCode).toBe(0)
      return JSON.parse(out)
    },
    eventsOf: (clientId: string) => owner`
      select e.event_type as type, e.data, e.metadata from auth_gateway.event_store e
      join auth_gateway.api_clients c on c.id = e.stream_id where c.client_id = ${clientId} order by e.version`,
    secretsOf: async (clientId: string) => {
      const [row] = await owner`select secrets from auth_gateway.api_clients where client_id = ${clientId}`
      return row?.secrets
    },
    inFolder: (name: string) => path.join(folder, name),
    ownerUrl: () => database.ownerUrl,
  }
}
