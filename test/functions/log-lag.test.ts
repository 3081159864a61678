import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import postgres from 'postgres'
import { Registry } from 'prom-client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { measureLag } from '../../netlify/metrics.ts'
import { runAfterCommits } from '../../netlify/run-after-commits.ts'
import { doctor } from '../../scripts/doctor.ts'
import type { Checked } from '../../scripts/lib/doctor/check.ts'
import { makeCheckpoints } from '../../shared/audit/checkpoints.ts'
import { deliverWebhooks } from '../../shared/audit/webhook-deliveries.ts'
import { readLogLag } from '../../shared/queries/log-lag.ts'
import { call } from '../scripts/terminal.ts'
import { ask } from '../support/as-browser.ts'
import { useGateway } from '../support/gateway.ts'
import { signInOperator } from '../support/operators.ts'
import { settled } from '../support/settle.ts'
import { type SignedInBrowser, signIn } from '../support/sign-in.ts'

const gateway = useGateway()
let platform: SignedInBrowser
let receiver: Server
let received = 0

beforeAll(async () => {
  platform = await signInOperator(gateway)
  await fetch(`${gateway.url}/oauth/jwks.json`)
  receiver = createServer((request, response) => {
    received += 1
    request.resume()
    response.writeHead(204).end()
  }).listen(0, '127.0.0.1')
  await once(receiver, 'listening')
})
afterAll(async () => {
  receiver?.close()
})

async function addWebhook(): Promise<string> {
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`
  const asked = { name: 'all', url, scope: 'everything', reason: 'for a test' }
  return (await ask(gateway, platform, 'POST', '/v1/webhooks', asked)).body.id
}

/** Appends so many events, in streams of one event each. */
async function appendMany(count: number): Promise<void> {
  await gateway.sql`
    select auth_gateway.append_events((
      select jsonb_agg(jsonb_build_object('stream_type', 'refused_request', 'expected_version', 0,
        'stream_id', overlay(gen_random_uuid()::text placing left(auth_gateway.uuid_v7_floor(now())::text, 14) || '7' from 1 for 15),
        'events', jsonb_build_array(jsonb_build_object('event_id', gen_random_uuid(), 'event_type', 'RequestRefused',
          'schema_version', 1, 'subject', null, 'metadata', '{}'::jsonb, 'digests', '[]'::jsonb, 'secrets', '[]'::jsonb,
          'data', '{"method": "GET", "route": "/x", "refusal": "insufficient_scope"}'::jsonb))))
      from generate_series(1, ${count})), '[]', '[]')`
}

test('one run delivers all that was committed, and not only a batch', async () => {
  const id = await addWebhook()
  await appendMany(210)
  await settled(gateway)
  received = 0
  expect(await deliverWebhooks(gateway.gateway)).toBe(210)
  expect(received).toBe(210)
  // What is left is this read itself, which the log records.
  expect((await ask(gateway, platform, 'GET', `/v1/webhooks/${id}`)).body).toMatchObject({ behind: 1, waiting: 0 })
  await ask(gateway, platform, 'DELETE', `/v1/webhooks/${id}`, { reason: 'done' })
})

test('work runs soon after a commit, once for many, and once more for commits during it', async () => {
  let runs = 0
  let finish = () => {}
  runAfterCommits(
    () => {
      runs += 1
      return new Promise<void>((resolve) => {
        finish = resolve
      })
    },
    (error) => expect.fail(String(error)),
  )
  await signIn(gateway)
  await expect.poll(() => runs).toBe(1)
  await signIn(gateway)
  await new Promise((resolve) => setTimeout(resolve, 300))
  expect(runs).toBe(1)
  finish()
  await expect.poll(() => runs).toBe(2)
  finish()
})

async function examine() {
  const env = { ...process.env, DATABASE_MIGRATION_URL: gateway.database.ownerUrl }
  const { out } = await call(doctor, env, '--json')
  return (JSON.parse(out) as Checked[]).filter(({ check }) => ['checkpoints', 'webhooks', 'partitions'].includes(check))
}

const age = (minutes: number) =>
  gateway.sql.begin(async (sql) => {
    // Only the superuser of a test may: time is what no test waits for.
    await sql`set local session_replication_role = replica`
    await sql`update auth_gateway.event_store set recorded_at = recorded_at - make_interval(mins => ${minutes})`
  })

test('a forgotten transaction is named by doctor, console and metrics, and not to organizations', async () => {
  const admin = await signInOperator(gateway, 'admin')
  const id = await addWebhook()
  await makeCheckpoints(gateway.gateway)
  await settled(gateway)
  await deliverWebhooks(gateway.gateway)
  await makeCheckpoints(gateway.gateway)
  expect((await examine()).map(({ state }) => state)).toEqual(['ok', 'ok', 'ok'])

  const forgotten = postgres(gateway.gateway.config.DATABASE_URL, {
    max: 1,
    connection: { application_name: 'forgotten' },
  })
  const held = await forgotten.reserve()
  await held`begin`
  const [{ pid } = { pid: 0 }] = await held<{ pid: number }[]>`select pg_backend_pid() as pid, pg_current_xact_id()`
  await appendMany(3)
  await makeCheckpoints(gateway.gateway)
  await age(30)

  const lag = await readLogLag(gateway.gateway.reads)
  expect(lag.blocking).toMatchObject({ pid, application: 'forgotten' })
  expect(lag.webhooks.map((one) => [one.id, Math.round(one.seconds / 60), one.events])).toEqual([[id, 30, 3]])

  const cause = `the log cannot settle because of backend ${pid} (role`
  const found = await examine()
  expect(found.map(({ check, state }) => [check, state])).toEqual([
    ['checkpoints', 'wrong'],
    ['webhooks', 'wrong'],
    ['partitions', 'ok'],
  ])
  expect(found[0]?.detail).toContain(`events of the last 30 minutes have no checkpoint; ${cause}`)
  expect(found[1]?.detail).toContain(`30 minutes behind, with 3 events to process; ${cause}`)
  expect(found[0]?.fix).toBe(`End its transaction, or the backend: select pg_terminate_backend(${pid})`)

  const page = async (who: SignedInBrowser) => (await who.browser.visit('/admin')).html
  expect(await page(platform)).toContain(`backend ${pid} (role`)
  expect(await page(admin)).not.toContain('Behind the log')

  const registry = new Registry()
  measureLag(registry, () => readLogLag(gateway.gateway.reads))
  const lines = (await registry.metrics()).split('\n')
  const value = (name: string) =>
    Number(
      lines
        .find((line) => line.startsWith(name))
        ?.split(' ')
        .at(-1),
    )
  expect(Math.round(value('auth_gateway_checkpoint_lag_seconds ') / 60)).toBe(30)
  expect(Math.round(value(`auth_gateway_webhook_lag_seconds{webhook="${id}"}`) / 60)).toBe(30)
  expect(value('auth_gateway_partitions_ahead ')).toBe(1)

  await held`rollback`
  held.release()
  await forgotten.end()
  await settled(gateway)
  await makeCheckpoints(gateway.gateway)
  await deliverWebhooks(gateway.gateway)
  expect((await examine()).map(({ state }) => state)).toEqual(['ok', 'ok', 'ok'])
})

test('metrics say when the database gives no answer', async () => {
  const registry = new Registry()
  measureLag(registry, () => Promise.reject(new Error('away')))
  const text = await registry.metrics()
  expect(text).toContain('auth_gateway_log_lag_readable 0')
  expect(text).not.toMatch(/^auth_gateway_checkpoint_lag_seconds /m)
})
