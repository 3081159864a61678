import postgres from 'postgres'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { resources } from '../../scripts/resources.ts'
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

const cli = (...args: string[]) => call(resources, { DATABASE_MIGRATION_URL: database.ownerUrl }, ...args)
const NOTES = 'https://notes.example/mcp'

test('0: adds, changes and removes a resource, each step an event of the operator', async () => {
  const added = await cli('add', NOTES, '--name', 'Notes', '--scope', 'mcp:connect  notes:read', '--json')
  expect({ ...added, out: JSON.parse(added.out) }).toMatchObject({
    exitCode: 0,
    out: expect.arrayContaining([{ identifier: NOTES, name: 'Notes', scope: 'mcp:connect notes:read', default: '' }]),
  })
  expect((await cli('change', NOTES, '--scope', 'mcp:connect')).out).toMatch(
    /notes\.example\/mcp +Notes +mcp:connect$/m,
  )
  expect((await cli('remove', NOTES, '--reason', 'closed')).out).not.toContain(NOTES)
  const events = await owner`
    select event_type, metadata->>'actorType' as actor from auth_gateway.event_store
    where stream_type = 'protected_resource' and metadata->>'actor' <> 'migration' order by position`
  const expected = ['Registered', 'Changed', 'Removed'].map((one) => ({
    event_type: `ProtectedResource${one}`,
    actor: 'operator',
  }))
  expect([...events]).toEqual(expected)
})

test('1: refuses an existing resource, an unknown one, the default, and an invalid identifier', async () => {
  expect(await cli('add', 'https://api.lanonasis.com', '--name', 'x', '--scope', 'y')).toMatchObject({ exitCode: 1 })
  expect(await cli('remove', 'https://nowhere.example')).toMatchObject({ exitCode: 1 })
  expect(await cli('remove', 'https://api.lanonasis.com')).toMatchObject({ exitCode: 1 })
  const unusable = ['notes', 'http://notes.example', 'https://a.example/#x', 'https://u:p@a.example', 'https://a/?q']
  for (const one of unusable)
    expect(await cli('add', one, '--name', 'x', '--scope', 'y')).toMatchObject({ exitCode: 1 })
})

test('0: adds a Supabase project with a key of its own; 1: with a path, and no policy for another resource', async () => {
  const added = await cli('add', 'https://abcd.supabase.co', '--supabase', '--json')
  const issuer = expect.stringMatching(/\/supabase\/[0-9a-f-]{36}$/)
  const row = { identifier: 'https://abcd.supabase.co', name: 'abcd.supabase.co', scope: 'openid', default: '', issuer }
  expect(JSON.parse(added.out)).toContainEqual(row)
  const [key] = await owner`select count(*)::int from auth_gateway.signing_keys where resource_id is not null`
  expect(key).toEqual({ count: 1 })
  expect(await cli('add', 'https://efgh.supabase.co/auth', '--supabase')).toMatchObject({ exitCode: 1 })
  expect(await cli('policy', 'https://api.lanonasis.com')).toMatchObject({ exitCode: 1 })
})

test('2: wrong usage', async () => {
  for (const args of [
    ['add', NOTES],
    ['change', NOTES],
    ['add'],
    ['paint', NOTES],
    ['add', NOTES, '--name', 'x', '--scope', 'y', '--accounts', 'z'],
    ['list', 'a', 'b'],
  ])
    expect(await cli(...args)).toMatchObject({ exitCode: 2 })
})
