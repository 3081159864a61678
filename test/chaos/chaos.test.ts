import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createGatewayDatabase, type GatewayDatabase } from '../../scripts/lib/gateway-database.ts'
import { migrate } from '../../scripts/lib/migrate.ts'
import { freePort } from '../../scripts/lib/ports.ts'
import { type Postgres, startPostgres } from '../../scripts/lib/postgres.ts'
import { isEqual, rebuildModels } from '../../scripts/lib/rebuild-models.ts'
import { verifyEvents } from '../../scripts/lib/verify-events.ts'
import { startGateway, type TestGateway } from '../support/gateway.ts'
import { PGBOUNCER } from '../support/pooler.ts'
import { createTraffic, isActive, type Traffic, verifyKey } from './flows.ts'

/** `npm run chaos` runs two minutes; CHAOS_SEED repeats the decisions of a run. */
const SECONDS = Number(process.env.CHAOS_SECONDS ?? 10)
const SEED = Number(process.env.CHAOS_SEED ?? 8)
const WORKERS = 6

let folder: string
let port: number
let server: Postgres
let database: GatewayDatabase
let gateway: TestGateway
let owner: postgres.Sql
let traffic: Traffic
const kills = { process: 0, postgres: 0 }

/** Mulberry32: the same numbers for the same seed. */
function numbers(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

const dataDirectory = () => path.join(folder, 'data')
const start = () => startPostgres({ dataDirectory: dataDirectory(), port })

async function killProcess(random: () => number): Promise<void> {
  const index = Math.floor(random() * 2)
  const victim = gateway.scaled?.processes[index]
  if (!victim?.isRunning()) traffic.violations.push('a process ended by itself')
  victim?.kill('SIGKILL')
  await victim?.exited
  kills.process++
  await sleep(random() * 300)
  await gateway.scaled?.restart(index)
}

async function killPostgres(random: () => number): Promise<void> {
  const [pid] = (await readFile(path.join(dataDirectory(), 'postmaster.pid'), 'utf8')).split('\n')
  process.kill(Number(pid), 'SIGKILL')
  kills.postgres++
  await sleep(200 + random() * 500)
  server = await start()
}

/** A root that replaces the one of the database, whose processes have both. */
const [first, second] = [randomBytes(32).toString('base64'), randomBytes(32).toString('base64')]

/** Runs an operator's command as a process of its own, which a lost connection may end; returns whether it finished. */
const run = (env: NodeJS.ProcessEnv, command: string[]) =>
  new Promise<boolean>((resolve) => {
    execFile(process.execPath, ['--import', 'tsx', 'scripts/keys.ts', ...command], { env }, (error) => resolve(!error))
  })

/** Replaces the root, and then every key: commands that fall with the database are run again. */
async function replaceKeys(): Promise<void> {
  const env = { ...process.env, DATABASE_MIGRATION_URL: database.ownerUrl, AUTH_MASTER_SECRET: `${second}|${first}` }
  for (const command of [['rotate-root'], ['rewrap', '--known', '5', '--overlap', '1']])
    while (!(await run(env, command))) await sleep(100)
}

const rows = <T extends object>(query: string) => owner.unsafe<T[]>(query)

describe.skipIf(!existsSync(PGBOUNCER))(`${SECONDS} seconds of kills, seed ${SEED}`, () => {
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'auth-gateway-chaos-'))
    port = await freePort()
    server = await start()
    database = await createGatewayDatabase(server.url, 'gateway')
    const directory = fileURLToPath(new URL('../../supabase/migrations', import.meta.url))
    await migrate({ url: database.ownerUrl, directory, applicationUrl: database.appUrl })
    process.env.SCALED_OUT = '1'
    gateway = await startGateway({
      database,
      env: { AUTH_MASTER_SECRET: `${first}|${second}`, KEY_RING_SECONDS: '1' },
    })
    owner = postgres(database.ownerUrl, { max: 1, onnotice: () => {} })
  }, 90_000)
  afterAll(async () => {
    delete process.env.SCALED_OUT
    await owner?.end({ timeout: 1 })
    await gateway?.stop()
    await server?.stop()
    await rm(folder, { recursive: true, force: true })
  }, 60_000)

  test(
    'no one is refused what was promised while processes and the database are killed',
    async () => {
      traffic = createTraffic(gateway)
      const workers = Array.from({ length: WORKERS }, (_, n) => traffic.work(numbers(SEED * 1000 + n)))
      const random = numbers(SEED)
      const until = Date.now() + SECONDS * 1000
      await sleep(500)
      const replaced = replaceKeys()
      for (let n = 0; Date.now() < until || n < 2; n++) {
        await (n !== 1 && random() < 0.6 ? killProcess(random) : killPostgres(random))
        await sleep(400 + random() * 1200)
      }
      await expect.poll(async () => (await fetch(`${gateway.url}/ready`)).status, { timeout: 20_000 }).toBe(200)
      await replaced
      const promised = () => Object.values(traffic.acknowledged).map(({ length }) => length > 0)
      await expect.poll(promised, { timeout: 20_000 }).toEqual([true, true, true, true])
      expect(gateway.scaled?.processes.map((one) => one.isRunning())).toEqual([true, true])
      traffic.stop()
      await Promise.all(workers)
      expect(traffic.violations).toEqual([])
      expect([...traffic.statuses.keys()].filter((status) => ![200, 201, 502, 503, 504].includes(status))).toEqual([])
      const { signIns, rotations, revocations, keys } = traffic.acknowledged
      console.log(
        `killed processes ${kills.process} times, Postgres ${kills.postgres}; promised ${signIns.length} sign-ins, ${rotations.length} rotations, ` +
          `${revocations.length} revocations, ${keys.length} keys; answers ${JSON.stringify([...traffic.statuses])}`,
      )
    },
    (SECONDS + 120) * 1000,
  )

  test('every sign-in, rotation, revocation and key that was promised is there', async () => {
    const { signIns, rotations, revocations, keys } = traffic.acknowledged
    const started = await rows<{ uai: string }>(
      `select data->>'uai' as uai from auth_gateway.event_store where event_type = 'SessionStarted'`,
    )
    const known = new Set(started.map(({ uai }) => uai))
    expect(signIns.filter(({ uai }) => !known.has(uai))).toEqual([])

    const [rotated] = await rows<{ n: number }>(
      `select count(*)::int as n from auth_gateway.event_store where event_type = 'RefreshTokenRotated'`,
    )
    const distinct = new Set(rotations.map(({ refreshToken }) => refreshToken)).size
    expect(rotated?.n).toBeGreaterThanOrEqual(distinct)
    expect(distinct).toBe(rotations.length)

    for (const { accessToken } of revocations) expect(await isActive(gateway, accessToken)).toBe(false)
    for (const { key, revoked } of keys) expect(await verifyKey(gateway, key)).toBe(!revoked)
  }, 60_000)

  test('the keys were replaced once, and the old ones are gone', async () => {
    const events = await rows(
      `select event_type from auth_gateway.event_store where stream_type = 'key_ring' order by version`,
    )
    expect([...events]).toEqual([{ event_type: 'KeyRootRotated' }, { event_type: 'KeysRewrapped' }])
    expect([...(await rows(`select distinct epoch from auth_gateway.key_ring where purpose = 'hook-secret'`))]).toEqual(
      [{ epoch: 2 }],
    )
    const [old] = await rows<{ n: number }>(
      'select count(*)::int as n from auth_gateway.subject_keys where auth_gateway.sealed_epoch(wrapped_key) < 2',
    )
    expect(old?.n).toBe(0)
  })

  test('nothing happened twice', async () => {
    const twice = async (type: string, what: string) =>
      rows(
        `select ${what} as what, count(*) from auth_gateway.event_store where event_type = '${type}' group by 1 having count(*) > 1`,
      )
    expect(await twice('OtpChallengeConsumed', 'stream_id::text')).toEqual([])
    expect(await twice('SessionStarted', `data->'provenBy'->>'id'`)).toEqual([])
    expect(await twice('RefreshTokenRotated', `stream_id || ' ' || (data->>'generation')`)).toEqual([])
    expect(await twice('SessionEnded', 'stream_id::text')).toEqual([])
    expect(await twice('ApiKeyCreated', `metadata->>'requestId'`)).toEqual([])
  })

  test('every chain verifies and every read model equals its events', async () => {
    expect(await verifyEvents(owner)).toMatchObject({ ok: true, faults: [] })
    expect((await rebuildModels(owner)).filter((one) => !isEqual(one))).toEqual([])
  }, 60_000)
})
