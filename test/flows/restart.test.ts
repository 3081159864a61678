import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createGatewayDatabase, type GatewayDatabase } from '../../scripts/lib/gateway-database.ts'
import { migrate } from '../../scripts/lib/migrate.ts'
import { freePort } from '../../scripts/lib/ports.ts'
import { type Postgres, startPostgres } from '../../scripts/lib/postgres.ts'
import { useGateway } from '../support/gateway.ts'
import { eventsWhere } from '../support/rows.ts'
import { getTokens, NATIVE, post, type SignedInBrowser, signIn, type Tokens } from '../support/sign-in.ts'

const WORKERS = 6
let folder: string
let port: number
let server: Postgres
let database: GatewayDatabase

const start = () => startPostgres({ dataDirectory: path.join(folder, 'data'), port })

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'auth-gateway-restart-'))
  port = await freePort()
  server = await start()
  database = await createGatewayDatabase(server.url, 'gateway')
  const directory = fileURLToPath(new URL('../../supabase/migrations', import.meta.url))
  await migrate({ url: database.ownerUrl, directory, applicationUrl: database.appUrl })
})
afterAll(async () => {
  await server?.stop()
  await rm(folder, { recursive: true, force: true })
})
const gateway = useGateway(() => ({ database }))

async function killPostgres(): Promise<void> {
  const [pid] = (await readFile(path.join(folder, 'data', 'postmaster.pid'), 'utf8')).split('\n')
  process.kill(Number(pid), 'SIGKILL')
}

test('503 while Postgres is killed and restarted under load, nothing acknowledged lost, 200 again after', async () => {
  const people: SignedInBrowser[] = []
  for (let n = 0; n < WORKERS; n++) people.push(await signIn(gateway))
  const newest: Tokens[] = []
  for (const person of people) newest.push(await getTokens(gateway, person))
  const statuses: { at: number; status: number; retryAfter: string | null }[] = []
  let running = true
  let phase = 0
  const rotations = newest.map(() => 0)

  const work = async (index: number) => {
    while (running) {
      const form = {
        grant_type: 'refresh_token',
        client_id: NATIVE.client_id,
        refresh_token: newest[index]?.refresh_token ?? '',
      }
      const { status, body, headers } = await post(gateway, '/oauth/token', form)
      statuses.push({ at: phase, status, retryAfter: headers.get('retry-after') })
      if (status === 200) {
        newest[index] = body
        rotations[index] = (rotations[index] ?? 0) + 1
      } else await sleep(20)
      const look = await post(gateway, '/oauth/introspect', { token: newest[index]?.access_token ?? '' })
      statuses.push({ at: phase, status: look.status, retryAfter: look.headers.get('retry-after') })
      if (look.status === 200) expect(look.body.active).toBe(true)
      await sleep(50)
    }
  }
  const workers = newest.map((_, index) => work(index))
  const answered = (at: number, status: number) => statuses.some((one) => one.at === at && one.status === status)
  await expect.poll(() => Math.min(...rotations)).toBeGreaterThan(0)
  phase = 1
  await killPostgres()
  await expect.poll(() => answered(1, 503)).toBe(true)
  server = await start()
  phase = 2
  await expect.poll(() => answered(2, 200) && Math.min(...rotations) > 2).toBe(true)
  running = false
  await Promise.all(workers)

  expect([...new Set(statuses.map(({ status }) => status))].sort()).toEqual([200, 503])
  expect(statuses.filter(({ status, retryAfter }) => status === 503 && !retryAfter)).toEqual([])
  expect(statuses.filter(({ at }) => at === 2).at(-1)?.status).toBe(200)
  for (const [index, tokens] of newest.entries()) {
    expect(rotations[index]).toBeGreaterThan(2)
    const { body } = await post(gateway, '/oauth/introspect', { token: tokens.access_token })
    expect(body).toMatchObject({ active: true, sub: people[index]?.uai })
  }
  const rotated = await eventsWhere(gateway, { event_type: 'RefreshTokenRotated' })
  expect(rotated.length).toBeGreaterThanOrEqual(rotations.reduce((sum, one) => sum + one, 0))
  await signIn(gateway)
}, 60_000)

test('200 from /health and 503 from /ready while Postgres is away', async () => {
  await server.stop()
  expect((await fetch(`${gateway.url}/health`)).status).toBe(200)
  expect((await fetch(`${gateway.url}/ready`)).status).toBe(503)
  const page = await fetch(`${gateway.url}/oauth/authorize?client_id=auth-tester`, { headers: { accept: 'text/html' } })
  expect(page.status).toBe(503)
  expect(await page.text()).toContain('Not available right now')
  server = await start()
  await expect.poll(async () => (await fetch(`${gateway.url}/ready`)).status, { timeout: 10_000 }).toBe(200)
})
