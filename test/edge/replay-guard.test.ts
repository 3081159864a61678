import { connect, createServer, type Server, type Socket } from 'node:net'
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest'
import { createEmptyDatabase, createTestDatabase, type TestDatabase } from '../support/database.ts'
import { type EdgeFunctions, startEdgeFunctions } from '../support/edge.ts'
import { type ResendStandIn, startResendStandIn } from '../support/resend-stand-in.ts'
import { otpEmail, post, secret, signed } from './signed-request.ts'

const SECRET = secret('s')
const fresh = () => signed(otpEmail, { secrets: [SECRET] })
let database: TestDatabase
let provider: ResendStandIn
let road: Road
const running: EdgeFunctions[] = []

beforeAll(async () => {
  database = await createTestDatabase()
  provider = await startResendStandIn()
  road = await openRoad(database.ownerUrl)
})
afterAll(async () => {
  for (const edge of running) await edge.stop()
  await road?.close()
  await provider?.stop()
  await database?.drop()
})
beforeEach(() => provider.reset())

async function start(databaseUrl: string, more: Record<string, string> = {}): Promise<EdgeFunctions> {
  const edge = await startEdgeFunctions({
    env: {
      OTP_WEBHOOK_SECRET: SECRET,
      RESEND_API_KEY: provider.apiKey,
      RESEND_BASE_URL: provider.url,
      OTP_EMAIL_FROM: 'a@lanonasis.com',
      REPLAY_GUARD: 'gateway',
      SUPABASE_DB_URL: databaseUrl,
      ...more,
    },
  })
  running.push(edge)
  return edge
}

it('409 for a request that another instance has served', async () => {
  const [one, other] = [await start(database.ownerUrl), await start(database.ownerUrl)]
  const request = fresh()
  expect((await post(one.url, request)).status).toBe(200)
  expect((await post(other.url, request)).body.error?.code).toBe('replay')
  expect(provider.requests).toHaveLength(1)
})

it('409 for all but one of twenty copies spread over two instances', async () => {
  const [one, other] = [await start(database.ownerUrl), await start(database.appUrl)]
  const request = fresh()
  const copies = Array.from({ length: 20 }, (_, index) => post((index % 2 ? one : other).url, request))
  const statuses = (await Promise.all(copies)).map((answer) => answer.status)
  expect(statuses.sort()).toEqual([200, ...Array.from({ length: 19 }, () => 409)])
  expect(provider.requests).toHaveLength(1)
})

it('503 with Retry-After and nothing sent while the database is down or slow; 200 as soon as it is back', async () => {
  const edge = await start(road.url)
  expect((await post(edge.url, fresh())).status).toBe(200)
  for (const state of ['refusing', 'silent'] as const) {
    road.become(state)
    for (let attempt = 0; attempt < 2; attempt++) {
      const answer = await post(edge.url, fresh())
      expect([answer.status, answer.body.error?.code, answer.headers.get('retry-after')]).toEqual([
        503,
        'replay_guard_unavailable',
        '2',
      ])
    }
    expect(provider.requests).toHaveLength(state === 'refusing' ? 1 : 2)
    road.become('open')
    expect((await post(edge.url, fresh())).status).toBe(200)
  }
})

it('500 misconfigured and nothing sent when the database lacks the function', async () => {
  const empty = await createEmptyDatabase()
  try {
    const edge = await start(empty.superuserUrl)
    const answer = await post(edge.url, fresh())
    expect([answer.status, answer.body.error?.code]).toEqual([500, 'misconfigured'])
    await vi.waitFor(() => expect(edge.output()).toContain('the replay guard cannot be used, see REPLAY_GUARD: 3F000'))
    expect(provider.requests).toEqual([])
  } finally {
    await empty.drop()
  }
})

it('200 at a project whose database is not the gateway’s: a small table of its own is made, and shared', async () => {
  const empty = await createEmptyDatabase()
  try {
    const project = { REPLAY_GUARD: '' }
    const edges = [await start(empty.superuserUrl, project), await start(empty.superuserUrl, project)]
    const request = fresh()
    const copies = Array.from({ length: 20 }, (_, index) => post(edges[index % 2]?.url ?? '', request))
    const statuses = (await Promise.all(copies)).map((answer) => answer.status)
    expect(statuses.sort()).toEqual([200, ...Array.from({ length: 19 }, () => 409)])
    expect(provider.requests).toHaveLength(1)
    expect((await post(edges[1]?.url ?? '', fresh())).status).toBe(200)
  } finally {
    await empty.drop()
  }
})

it('a probe reports which guard accepts messages, or that none does, and sends nothing', async () => {
  const probe = () => signed({ type: 'probe' }, { secrets: [SECRET] })
  const ask = async (more: Record<string, string>) => {
    const { status, body } = await post((await start(database.ownerUrl, more)).url, probe())
    return [status, body]
  }
  expect(await ask({})).toEqual([200, { probe: 'ok', replay_guard: 'gateway' }])
  expect(await ask({ REPLAY_GUARD: 'signature' })).toEqual([200, { probe: 'ok', replay_guard: 'signature' }])
  expect(await ask({ REPLAY_DATABASE_URL: database.appUrl })).toEqual([200, { probe: 'ok', replay_guard: 'gateway' }])
  expect(await ask({ REPLAY_GUARD: 'nonsense' })).toMatchObject([500, { error: { code: 'misconfigured' } }])
  expect(provider.requests).toEqual([])
})

interface Road {
  /** The database's URL by way of this road. */
  url: string
  become(state: 'open' | 'refusing' | 'silent'): void
  close(): Promise<void>
}

async function openRoad(databaseUrl: string): Promise<Road> {
  const target = new URL(databaseUrl)
  const sockets = new Set<Socket>()
  let state: 'open' | 'refusing' | 'silent' = 'open'
  const server: Server = createServer((near) => {
    sockets.add(near.on('error', () => near.destroy()))
    if (state === 'refusing') near.destroy()
    if (state !== 'open') return
    const far = connect(Number(target.port || 5432), target.hostname)
    sockets.add(far.on('error', () => near.destroy()))
    near.pipe(far).pipe(near)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = new URL(databaseUrl)
  url.hostname = '127.0.0.1'
  url.port = String((server.address() as { port: number }).port)
  const drop = () => {
    for (const socket of sockets) socket.destroy()
    sockets.clear()
  }
  return {
    url: url.href,
    become(next) {
      state = next
      drop()
    },
    close: () => {
      drop()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}
