import postgres from 'postgres'
import { UUID, uuidv7 } from 'uuidv7'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { verifyEvents } from '../../scripts/lib/verify-events.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'

let database: TestDatabase
let owner: postgres.Sql

beforeAll(async () => {
  database = await createTestDatabase()
  owner = postgres(database.ownerUrl, { max: 1, prepare: false, onnotice: () => {} })
})

afterAll(async () => {
  await owner?.end()
  await database?.drop()
})

const ensure = async (from: string, months: number) => {
  const [row] = await owner`select auth_gateway.ensure_event_partitions(${from}, ${months}) as made`
  return row?.made
}

/** A uuid v7 of that instant. */
const idAt = (iso: string) => UUID.fromFieldsV7(Date.parse(iso), 0x123, 0x2345678, 0x3456789a).toString()

async function start(id: string, type = 'otp_challenge', event_type = 'OtpChallengeIssued'): Promise<string> {
  const data = { channel: 'email', expiresAt: '2030-01-01T00:00:00Z', kind: 'team', owner: id }
  const events = [{ event_id: uuidv7(), event_type, schema_version: 1, data, metadata: {} }]
  const append = [{ stream_type: type, stream_id: id, expected_version: 0, events }]
  await owner`select auth_gateway.append_events(${owner.json(append as never)})`
  const [row] =
    await owner`select tableoid::regclass::text as name from auth_gateway.event_store where stream_id = ${id}`
  return String(row?.name).replace('auth_gateway.', '')
}

test('the months from now on exist after the migrations', async () => {
  expect(await ensure(new Date().toISOString(), 4)).toBe(0)
  expect(await start(uuidv7())).toBe(`event_store_${new Date().toISOString().slice(0, 7).replace('-', '_')}`)
})

test('making them again makes none', async () => {
  expect(await ensure('2040-11-15T12:00:00Z', 3)).toBe(3)
  expect(await ensure('2040-11-30T23:59:59Z', 3)).toBe(0)
  expect(await ensure('2040-12-01T00:00:00Z', 3)).toBe(1)
})

test('short-lived streams go into the month in which they begin, to the millisecond, in any time zone', async () => {
  await owner`set timezone = 'Pacific/Kiritimati'`
  expect(await ensure('2041-02-28T23:59:59Z', 2)).toBe(1)
  await owner`reset timezone`
  expect(await start(idAt('2041-01-31T23:59:59.999Z'))).toBe('event_store_2041_01')
  expect(await start(idAt('2041-02-01T00:00:00.000Z'))).toBe('event_store_2041_02')
  expect(await start(idAt('2041-03-31T23:59:59.999Z'))).toBe('event_store_2041_03')
})

test('lasting streams stay together', async () => {
  expect(await start(idAt('2041-02-10T00:00:00Z'), 'organization', 'OrganizationCreated')).toBe('event_store_lasting')
})

test('a stream of a month without a partition goes to the default partition, and its month is skipped later', async () => {
  expect(await start(idAt('2050-06-15T00:00:00Z'))).toBe('event_store_short_lived_default')
  expect(await ensure('2050-05-01T00:00:00Z', 3)).toBe(2)
  expect(await start(idAt('2050-07-15T00:00:00Z'))).toBe('event_store_2050_07')
  expect(await start(idAt('2050-06-16T00:00:00Z'))).toBe('event_store_short_lived_default')
})

test('a new month is append-only, has row-level security and no public grants', async () => {
  for (const change of ['truncate auth_gateway.event_store_2050_07', 'delete from auth_gateway.event_store_2050_07'])
    await expect(owner.unsafe(change)).rejects.toMatchObject({ code: 'LA002' })
  const [row] = await owner`
    select relrowsecurity as secured, has_table_privilege('anon', oid, 'select') as anon,
      has_table_privilege('auth_gateway_app', oid, 'insert, update, delete, truncate') as app
    from pg_class where oid = 'auth_gateway.event_store_2050_07'::regclass`
  expect(row).toEqual({ secured: true, anon: false, app: false })
})

test('the application role reads events of a new month through the whole table', async () => {
  const app = postgres(database.appUrl, { max: 1, prepare: false })
  const rows = await app`select 1 from auth_gateway.event_store where stream_id = ${idAt('2050-07-15T00:00:00Z')}`
  await app.end()
  expect(rows).toHaveLength(1)
})

test('chains verify across partitions', async () => {
  expect(await verifyEvents(owner)).toMatchObject({ ok: true, faults: [] })
})
