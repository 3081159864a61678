import postgres from 'postgres'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { createDatabaseClock } from '../../shared/database-clock.ts'
import { checkDatabase } from '../../shared/queries/health.ts'
import { ask } from '../support/as-browser.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { eventsOf, newEmail, useGateway } from '../support/gateway.ts'
import { getTokens, NATIVE, post, postJson, signIn } from '../support/sign-in.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database?.drop())
const gateway = useGateway(() => ({ database }))
afterEach(() => vi.useRealTimers())

const ready = async () => {
  const response = await fetch(`${gateway.url}/ready`)
  return { status: response.status, checks: (await response.json()).checks }
}

test('503 at /ready while the database takes no writes, with the reason; 200 when it does again', async () => {
  const setReadOnly = async (value: string) => {
    await gateway.sql.unsafe(`alter database ${database.name} set default_transaction_read_only = ${value}`)
    await gateway.sql`select pg_terminate_backend(pid) from pg_stat_activity where datname = ${database.name} and pid <> pg_backend_pid()
      and application_name = 'auth-gateway'`
  }
  expect((await ready()).status).toBe(200)
  await setReadOnly('on')
  await gateway.sql`set default_transaction_read_only = off`
  await gateway.sql`set session characteristics as transaction read write`
  await expect.poll(async () => (await ready()).checks.writes).toEqual({ status: 'fail', reason: 'read_only' })
  const { status, checks } = await ready()
  expect([status, checks.postgres.status, checks.session.status]).toEqual([503, 'ok', 'fail'])
  await setReadOnly('off')
  await expect.poll(async () => (await ready()).status).toBe(200)
})

test('a database that does not answer is distinguished from one that refuses', async () => {
  const nowhere = postgres('postgres://a:b@127.0.0.1:9/c', { max: 1, connect_timeout: 1 })
  const found = await checkDatabase(nowhere, createDatabaseClock())
  expect(found).toMatchObject({ reachable: false, writable: false, reason: 'unreachable' })
  await nowhere.end({ timeout: 1 })
})

test('a clock that is off is corrected by what the database proves, and no further', () => {
  const clock = createDatabaseClock()
  const sentAt = Date.now() - 400
  clock.measure(new Date(sentAt + 200), sentAt)
  expect(clock.offset()).toBe(0)
  clock.measure(new Date(sentAt - 45_000), sentAt)
  expect(clock.offset()).toBe(-45_000)
  vi.useFakeTimers({ toFake: ['Date'], now: sentAt })
  clock.measure(new Date(sentAt + 45_000), sentAt)
  expect(clock.offset()).toBe(45_000)
  expect(clock.now().getTime()).toBe(sentAt + 45_000)
})

test.each([-45_000, 45_000])('200 for the retry of a refresh at an instance whose clock is %i ms off', async (off) => {
  const tokens = await getTokens(gateway, await signIn(gateway))
  const form = { grant_type: 'refresh_token', client_id: NATIVE.client_id, refresh_token: tokens.refresh_token }
  const first = await post(gateway, '/oauth/token', form)
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + off })
  // As the other instance did when it opened the database.
  await checkDatabase(gateway.gateway.reads, gateway.gateway.clock)
  const retried = await post(gateway, '/oauth/token', form)
  expect([retried.status, retried.text]).toEqual([200, first.text])
  vi.useRealTimers()
  await checkDatabase(gateway.gateway.reads, gateway.gateway.clock)
  const next = { ...form, refresh_token: first.body.refresh_token }
  expect((await post(gateway, '/oauth/token', next)).status).toBe(200)
})

test('a sign-in that races an erasure is of another identity, or its session began before', {
  timeout: 60_000,
}, async () => {
  for (let round = 0; round < 6; round++) {
    const ada = await signIn(gateway, newEmail())
    await postJson(gateway, '/v1/auth/otp/send', { email: ada.email })
    const token = gateway.inbox.codeFor(ada.email)
    const [, answer] = await Promise.all([
      ask(gateway, ada, 'POST', '/v1/auth/me/erase', { uai: ada.uai }),
      postJson(gateway, '/v1/auth/otp/verify', { email: ada.email, token }),
    ])
    expect(answer.status, answer.text).toBeLessThan(500)
    const [erased] = await gateway.sql`
      select position from auth_gateway.event_store where stream_id = ${ada.uai} and event_type = 'IdentityErased'`
    const begunAfter = await gateway.sql`
      select event_type from auth_gateway.event_store
      where subject = ${ada.uai} and version = 1 and position > ${erased?.position} and stream_type in ('session', 'token_family')`
    expect(begunAfter.map(({ event_type }) => event_type)).toEqual([])
    if (answer.status === 200 && answer.body.user.id !== ada.uai)
      expect(
        (await fetch(`${gateway.url}/v1/auth/me`, { headers: { authorization: `Bearer ${answer.body.access_token}` } }))
          .status,
      ).toBe(200)
  }
})

test('nothing begins for a person after their erasure, even after a late read', async () => {
  const ada = await signIn(gateway)
  const [seen] = await eventsOf(gateway, 'session')
  await ask(gateway, ada, 'POST', '/v1/auth/me/erase', { uai: ada.uai })
  const late = gateway.gateway.store.append([
    {
      stream_type: 'session',
      stream_id: '01a00000-0000-7000-8000-000000000001',
      expected_version: 0,
      events: [
        {
          event_id: crypto.randomUUID(),
          event_type: 'SessionStarted',
          schema_version: 1,
          subject: ada.uai,
          data: { ...seen?.data, uai: ada.uai },
          metadata: {},
        },
      ],
    },
  ])
  await expect(late).rejects.toThrow('the person was erased')
})
