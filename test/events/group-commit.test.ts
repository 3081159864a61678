import postgres from 'postgres'
import { uuidv7 } from 'uuidv7'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { verifyEvents } from '../../scripts/lib/verify-events.ts'
import { createEventStore, type EventStore, RateLimitedError, StaleError } from '../../shared/events/store.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'

let database: TestDatabase
let app: postgres.Sql
let owner: postgres.Sql
let superuser: postgres.Sql
let store: EventStore
let transactions: () => Promise<number>

beforeAll(async () => {
  database = await createTestDatabase()
  app = postgres(database.appUrl, { max: 1, prepare: false, fetch_types: false, onnotice: () => {} })
  owner = postgres(database.ownerUrl, { max: 2, onnotice: () => {} })
  superuser = postgres(database.superuserUrl, { max: 1, onnotice: () => {} })
  store = createEventStore(app, app, 1)
  transactions = async () => {
    const [row] = await owner`select count(distinct transaction_id)::int as count from auth_gateway.event_store`
    return row?.count
  }
})

afterAll(async () => {
  await Promise.all([app?.end(), owner?.end(), superuser?.end()])
  await database?.drop()
})

const append = (id = uuidv7(), { version = 0, type = 'OrganizationCreated', name = 'a team' } = {}) => [
  {
    stream_type: 'organization',
    stream_id: id,
    expected_version: version,
    events: [
      {
        event_id: uuidv7(),
        event_type: type,
        schema_version: 1,
        data: { kind: 'team', owner: uuidv7(), name },
        metadata: {},
      },
    ],
  },
]
const exists = async (id: string) =>
  (await owner`select 1 from auth_gateway.event_store where stream_id = ${id}`).length === 1

test('33 requests at once take four transactions: the first alone, the others by sixteen, and all chains hold', async () => {
  const before = await transactions()
  const ids = Array.from({ length: 33 }, () => uuidv7())
  await Promise.all(ids.map((id) => store.append(append(id))))
  expect((await transactions()) - before).toBe(3)
  expect(await Promise.all(ids.map(exists))).toEqual(ids.map(() => true))
  expect(await verifyEvents(owner)).toMatchObject({ ok: true })
})

test('each request of a transaction gets its own outcome, and one that fails changes nothing', async () => {
  const known = uuidv7()
  await store.append(append(known))
  const [good, unstorable, unknown, limited, last] = Array.from({ length: 5 }, () => uuidv7())
  const full = { bucket: uuidv7(), seconds: 60, max: 0 }
  const outcomes = await Promise.allSettled([
    store.append(append()),
    store.append(append(good)),
    store.append(append(known)),
    store.append(append(known, { version: 7 })),
    store.append(append(unstorable, { name: 'a\u0000b' })),
    store.append(append(unknown, { type: 'NoSuchEvent' })),
    store.append(append(limited), [], [full]),
    store.append(append(last)),
  ])
  const codes = outcomes.map((one) =>
    one.status === 'rejected' ? (one.reason.code ?? one.reason.constructor) : 'done',
  )
  expect(codes).toEqual(['done', 'done', StaleError, StaleError, '22P05', '20000', RateLimitedError, 'done'])
  expect(await Promise.all([good, unstorable, unknown, limited, last].map((id) => exists(id ?? '')))).toEqual([
    true,
    false,
    false,
    false,
    true,
  ])
  expect(await owner`select 1 from auth_gateway.rate_limits where bucket = ${full.bucket}`).toEqual([])
  expect(await verifyEvents(owner)).toMatchObject({ ok: true })
})

test('patient requests share one transaction, the next one of a request that waits, or their own', async () => {
  const [alone, joined] = [Array.from({ length: 10 }, () => uuidv7()), Array.from({ length: 10 }, () => uuidv7())]
  const before = await transactions()
  await Promise.all(alone.map((id) => store.append(append(id), [], [], true)))
  expect((await transactions()) - before).toBe(1)
  const patient = joined.map((id) => store.append(append(id), [], [], true))
  await store.append(append())
  expect(await Promise.all(joined.map(exists))).toEqual(joined.map(() => true))
  await Promise.all(patient)
  expect((await transactions()) - before).toBe(2)
  expect(await Promise.all(alone.map(exists))).toEqual(alone.map(() => true))
})

test('of 20 starts of one stream in one transaction exactly one wins', async () => {
  const id = uuidv7()
  const outcomes = await Promise.allSettled(
    [append(), ...Array.from({ length: 20 }, () => append(id))].map((one) => store.append(one)),
  )
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(2)
  expect(outcomes.filter((one) => one.status === 'rejected' && one.reason instanceof StaleError)).toHaveLength(19)
})

test('a connection that ends in the middle fails all requests of its transaction, and the next ones are appended', async () => {
  const id = uuidv7()
  await store.append(append(id))
  const [first, second, later] = [uuidv7(), uuidv7(), uuidv7()]
  await owner.begin(async (sql) => {
    await sql`select 1 from auth_gateway.stream_heads where stream_id = ${id} for update`
    const outcomes = [
      append(),
      append(first),
      append(id, { version: 1, type: 'OrganizationRenamed' }),
      append(second),
    ].map((one) => store.append(one))
    const settled = Promise.allSettled(outcomes)
    const waits = superuser`datname = current_database() and wait_event_type = 'Lock'`
    await expect.poll(() => superuser`select pid from pg_stat_activity where ${waits}`).toHaveLength(1)
    await superuser`select pg_terminate_backend(pid) from pg_stat_activity where ${waits}`
    expect((await settled).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'rejected'])
  })
  // The driver gives the end of a connection to one more query.
  await store.append(append()).catch(() => {})
  await store.append(append(later))
  expect(await Promise.all([first, second, later].map(exists))).toEqual([false, false, true])
})
