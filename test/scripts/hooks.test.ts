import postgres from 'postgres'
import { Webhook } from 'standardwebhooks'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { hooks } from '../../scripts/hooks.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { call } from './terminal.ts'

let database: TestDatabase
let owner: postgres.Sql
beforeAll(async () => {
  database = await createTestDatabase()
  owner = postgres(database.ownerUrl, { max: 1, onnotice: () => {} })
})
afterAll(async () => {
  await owner?.end()
  await database?.drop()
})
const cli = (...args: string[]) => call(hooks, { DATABASE_MIGRATION_URL: database.ownerUrl }, ...args)

test('0: adds, rotates the secret and removes; the secret is shown once and sealed', async () => {
  const added = await cli('add', 'policy', '--point', 'before-sign-in', '--url', 'https://acme.example/hook', '--json')
  const { secret, hooks: all } = JSON.parse(added.out)
  expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/)
  expect(() => new Webhook(secret)).not.toThrow()
  expect(all).toEqual([
    {
      name: 'policy',
      point: 'before-sign-in',
      url: 'https://acme.example/hook',
      on_failure: 'closed',
      connections: [],
      roles: [],
      organizations: [],
    },
  ])
  expect((await cli('rotate-secret', 'policy')).out).not.toContain(secret)
  expect((await cli('calls', 'policy')).out).toBe('none yet')
  const log = JSON.stringify(await owner`select * from auth_gateway.event_store where stream_type = 'hook'`)
  expect(log).not.toContain('whsec_')
  expect((await cli('remove', 'policy')).out).toBe('none yet')
})

test('1 and 2: refuses a bad address, a privileged role, a second one of the name, and wrong usage', async () => {
  const add = (...more: string[]) => cli('add', 'x', '--point', 'map-claims', ...more)
  expect((await add('--url', 'http://acme.example')).exitCode).toBe(1)
  expect((await add('--url', 'https://acme.example', '--role', 'platform_admin')).exitCode).toBe(1)
  expect((await add('--url', 'https://acme.example')).exitCode).toBe(0)
  expect((await add('--url', 'https://acme.example')).exitCode).toBe(1)
  expect((await cli('add', 'y', '--point', 'never', '--url', 'https://a.example')).exitCode).toBe(2)
  expect((await cli('remove', 'nobody')).exitCode).toBe(1)
})
