import { execFile } from 'node:child_process'
import { existsSync, globSync } from 'node:fs'
import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { doctor } from '../../scripts/doctor.ts'
import { events } from '../../scripts/events.ts'
import { keys } from '../../scripts/keys.ts'
import type { Checked } from '../../scripts/lib/doctor/check.ts'
import { createGatewayDatabase, type GatewayDatabase } from '../../scripts/lib/gateway-database.ts'
import { migrate } from '../../scripts/lib/migrate.ts'
import { type Postgres, startPostgres } from '../../scripts/lib/postgres.ts'
import { restore } from '../../scripts/restore.ts'
import { makeCheckpoints } from '../../shared/audit/checkpoints.ts'
import { findLostHistory } from '../../shared/audit/lost-history.ts'
import { publishCheckpoint } from '../../shared/audit/publish.ts'
import { createCall } from '../../shared/call.ts'
import { loadConfig } from '../../shared/config.ts'
import { AUDIT_LOG_ID, type AuditLogEvent, auditLog } from '../../shared/domain/audit-log.ts'
import { commit } from '../../shared/events/commit.ts'
import { type Gateway, openGateway, refuseRestoredDatabase } from '../../shared/gateway.ts'
import { startErrors } from '../../shared/start.ts'
import { createTraffic } from '../projections/traffic.ts'
import { call } from '../scripts/terminal.ts'

// pg_dump refuses a newer server, so both servers are of the version that is installed.
const bin = globSync('/usr/lib/postgresql/*/bin')
  .filter((folder) => existsSync(path.join(folder, 'pg_restore')))
  .at(-1)
const directory = 'supabase/migrations'
/** The root of today, and that of the backup. */
const ROOT = Buffer.alloc(32, 9).toString('base64')
const OLDER_ROOT = Buffer.alloc(32, 7).toString('base64')
let folder: string
let old: Postgres
let fresh: Postgres
let before: GatewayDatabase
let dump: string
/** Of the gateway, at the old server. */
let settings: Record<string, string>

const environment = (database: GatewayDatabase): NodeJS.ProcessEnv => ({
  ...settings,
  PATH: `${bin}${path.delimiter}${process.env.PATH}`,
  DATABASE_URL: database.appUrl,
  DATABASE_MIGRATION_URL: database.ownerUrl,
})

async function opened<T>(database: GatewayDatabase, use: (gateway: Gateway) => Promise<T>): Promise<T> {
  const { gateway } = await openGateway(loadConfig(environment(database)))
  return use(gateway).finally(() => gateway.close())
}

/** A user signs in to an application, and a checkpoint over it is kept outside. */
const serve = (database: GatewayDatabase, visitor: number) =>
  opened(database, async (gateway) => {
    const { sendCode, signIn, authorize, redeem } = createTraffic(gateway).actions
    await sendCode(visitor)
    await signIn(visitor)
    await authorize(2)
    await redeem(1)
    await makeCheckpoints(gateway)
    await publishCheckpoint(gateway)
  })

const start = (name: string) =>
  startPostgres({ dataDirectory: path.join(folder, name), binDirectory: bin, settings: { fsync: 'off' } })

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'auth-gateway-restore-'))
  settings = {
    NODE_ENV: 'test',
    AUTH_MASTER_SECRET: OLDER_ROOT,
    OTP_WEBHOOK_SECRET: `v1,whsec_${Buffer.alloc(32, 8).toString('base64')}`,
    CHECKPOINT_FILE: path.join(folder, 'checkpoints.jsonl'),
    INIT_CWD: folder,
  }
  ;[old, fresh] = await Promise.all([start('old'), start('fresh')])
  before = await createGatewayDatabase(old.url, 'auth_gateway')
  await migrate({ url: before.ownerUrl, directory, applicationUrl: before.appUrl })
  await serve(before, 1)
  dump = path.join(folder, 'gateway.dump')
  const args = ['--format=custom', '--schema=auth_gateway', '--dbname', before.ownerUrl, '--file', dump]
  await promisify(execFile)(path.join(bin ?? '', 'pg_dump'), args)
  // Since the backup, the root and every key were replaced, and more happened.
  settings.AUTH_MASTER_SECRET = `${ROOT}|${OLDER_ROOT}`
  for (const command of [['rotate-root'], ['rewrap', '--known', '0', '--overlap', '0']])
    expect((await call(keys, environment(before), ...command)).exitCode).toBe(0)
  await serve(before, 2)
}, 120_000)
afterAll(async () => {
  await Promise.all([old?.stop(), fresh?.stop()])
  await rm(folder, { recursive: true, force: true })
})

const history = async (database: GatewayDatabase) => {
  const { out } = await call(doctor, environment(database), '--json')
  return (JSON.parse(out) as Checked[]).find(({ check }) => check === 'history')
}

describe('an older backup in a new server', { timeout: 90_000 }, () => {
  let restored: GatewayDatabase

  test('0: is restored with the roles and grants that it needs', async () => {
    restored = await createGatewayDatabase(fresh.url, 'auth_gateway')
    const done = await call(restore, environment(restored), dump)
    expect([done.exitCode, done.err]).toEqual([0, ''])
    const checks: Checked[] = JSON.parse((await call(doctor, environment(restored), '--json')).out)
    const newer = { ...environment(restored), AUTH_MASTER_SECRET: ROOT }
    await expect(openGateway(loadConfig(newer))).rejects.toThrow(startErrors.root)
    const found = Object.fromEntries(checks.map(({ check, state }) => [check, state]))
    expect(found).toMatchObject({ role: 'ok', migrations: 'ok', start: 'ok', grants: 'ok', history: 'wrong' })
    expect((await call(events, environment(restored), 'verify')).exitCode).toBe(0)
  })

  test('1: is not restored over another one', async () => {
    const again = await call(restore, environment(restored), dump)
    expect(again).toMatchObject({ exitCode: 1 })
    expect(again.err).toContain('The database has a schema auth_gateway already')
  })

  test('503: a process that already serves it stops, also when a smaller checkpoint was kept since', async () => {
    const file = settings.CHECKPOINT_FILE ?? ''
    const kept = await readFile(file, 'utf8')
    await appendFile(file, `${kept.split('\n')[0]}\n`)
    await expect(opened(restored, refuseRestoredDatabase)).rejects.toMatchObject({ problem: 'database_restored' })
    await writeFile(file, kept)
    await opened(before, refuseRestoredDatabase)
  })

  test('is detected as outdated, until the restore is recorded', async () => {
    const lost = await opened(restored, findLostHistory)
    expect(await history(restored)).toMatchObject({ state: 'wrong', fix: expect.stringContaining('after-restore') })
    expect((await call(events, environment(restored), 'after-restore')).exitCode).toBe(2)
    const open = () =>
      opened(restored, async ({ reads }) => {
        const [row] = await reads<{ sessions: number; families: number }[]>`
          select (select count(*)::int from auth_gateway.sessions where ended_at is null) as sessions,
            (select count(*)::int from auth_gateway.token_families where revoked_at is null) as families`
        return row
      })
    expect(await open()).toEqual({ sessions: 1, families: 1 })
    const recorded = await call(events, environment(restored), 'after-restore', '--reason', 'the disk died')
    expect(await open()).toEqual({ sessions: 0, families: 0 })
    expect([recorded.exitCode, recorded.err]).toEqual([0, ''])
    expect(recorded.out).toContain(
      `The kept checkpoint covers ${lost?.kept.size} events, the database ${lost?.size}. From now on the log is signed as localhost:4000/audit/restored-1.`,
    )
    expect(await opened(restored, findLostHistory)).toBeUndefined()
    expect(await history(restored)).toMatchObject({ state: 'ok' })
  })

  test('1: cannot be recorded twice, nor where nothing is lost', async () => {
    for (const database of [restored, before]) {
      const again = await call(events, environment(database), 'after-restore', '--reason', 'to be sure')
      expect(again).toMatchObject({ exitCode: 1 })
      expect(again.err).toContain('nothing to record')
    }
  })

  test('0: gets the root of today, and new keys', async () => {
    for (const command of [['rotate-root'], ['rewrap', '--known', '0', '--overlap', '0']])
      expect((await call(keys, environment(restored), ...command)).exitCode).toBe(0)
    const older = { ...environment(restored), AUTH_MASTER_SECRET: OLDER_ROOT }
    await expect(openGateway(loadConfig(older))).rejects.toThrow(startErrors.root)
  })

  test('0: continues, and accepts only the recorded loss among the kept checkpoints', async () => {
    await serve(restored, 3)
    await serve(restored, 4)
    const kept = settings.CHECKPOINT_FILE ?? ''
    expect(await opened(restored, findLostHistory)).toBeUndefined()
    expect(await call(events, environment(restored), 'verify', '--checkpoint', kept)).toMatchObject({
      exitCode: 0,
      err: '',
    })
    const old = await call(events, environment(before), 'verify', '--checkpoint', kept)
    expect(old.exitCode).toBe(1)
  })
})

test('an owner of the database without the key of the log cannot pass a rewrite off as a restore', async () => {
  const { CHECKPOINT_FILE: kept = '' } = settings
  const forged = await createGatewayDatabase(fresh.url, 'forged')
  await call(restore, environment(forged), dump)
  const lost = await opened(forged, findLostHistory)
  const restored = {
    origin: 'localhost:4000/audit/restored-1',
    previous: 'localhost:4000/audit',
    size: lost?.common?.size,
    root: lost?.common?.root.toString('base64'),
    kept: { size: lost?.kept.size, root: lost?.kept.root.toString('base64') },
    reason: 'nothing to see here',
    note: 'localhost:4000/audit/restored-1\nrestored\n\n\u2014 localhost:4000/audit/restored-1 AAAA\n',
  }
  await opened(forged, (gateway) =>
    commit(createCall(gateway), async (work) => {
      const stream = await work.load(auditLog, AUDIT_LOG_ID, {})
      stream.decide(() => ({ events: [{ type: 'AuditLogRestored', data: restored } as AuditLogEvent] }))
    }),
  )
  expect(await opened(forged, findLostHistory)).toMatchObject({ kept: { size: lost?.kept.size } })
  const verified = await call(events, environment(forged), 'verify', '--checkpoint', kept)
  expect([verified.exitCode, verified.out]).toEqual([1, expect.stringContaining('restore_unsigned')])
  expect(verified.out).toContain('log_cut_off')
}, 60_000)

describe('a dump that was restored by other means', { timeout: 90_000 }, () => {
  test('without any role of ours: migrate makes roles, grants and policies again', async () => {
    const server = await start('bare')
    try {
      const database = await createGatewayDatabase(server.url, 'auth_gateway')
      await promisify(execFile)(path.join(bin ?? '', 'pg_restore'), [
        '--no-owner',
        '--dbname',
        database.ownerUrl,
        dump,
      ]).catch(({ stderr }) => expect(stderr).toContain('role "auth_gateway_app" does not exist'))
      const lines: string[] = []
      const options = { url: database.ownerUrl, directory, applicationUrl: database.appUrl }
      await migrate({ ...options, log: (line) => lines.push(line) })
      expect(lines).toEqual([
        'created the missing roles and grants',
        'created the login role auth_gateway_login',
        'set the password of auth_gateway_login',
      ])
      const privileges = async (url: string) => {
        const sql = postgres(url, { max: 1, onnotice: () => {} })
        const rows = await sql`
          select 'relation' as kind, c.relname::text as name, coalesce(c.relacl::text, '') as acl from pg_class c
          where c.relnamespace = 'auth_gateway'::regnamespace and c.relkind in ('r', 'p', 'v', 'S')
          union all select 'function', p.oid::regprocedure::text, coalesce(p.proacl::text, '') from pg_proc p
          where p.pronamespace = 'auth_gateway'::regnamespace
          union all select 'policy', pol.polrelid::regclass || ' ' || pol.polname, '' from pg_policy pol order by 1, 2`
        await sql.end()
        return rows.map(({ kind, name, acl }) => `${kind} ${name} ${acl}`)
      }
      expect(await privileges(database.superuserUrl)).toEqual(await privileges(before.superuserUrl))
      const again: string[] = []
      await migrate({ ...options, log: (line) => again.push(line) })
      expect(again).toEqual([])
      await opened(database, (gateway) => gateway.keys.published())
    } finally {
      await server.stop()
    }
  })
})
