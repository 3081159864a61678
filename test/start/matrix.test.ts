import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { uuidv7 } from 'uuidv7'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { onServer } from '../../scripts/lib/gateway-database.ts'
import { freePort } from '../../scripts/lib/ports.ts'
import { checkpointSigner } from '../../shared/audit/checkpoints.ts'
import { loadConfig } from '../../shared/config.ts'
import { openGateway } from '../../shared/gateway.ts'
import { startErrors, startWarnings } from '../../shared/start.ts'
import { keyDerivation } from '../../shared/tokens/derived-key.ts'
import type { KeyRing } from '../../shared/tokens/key-ring.ts'
import { sealBytes } from '../../shared/tokens/sealed.ts'
import { createTraffic } from '../projections/traffic.ts'
import { copyOf, createEmptyDatabase, createTestDatabase, type TestDatabase } from '../support/database.ts'
import { type BuiltServer, buildServer } from '../support/server-process.ts'
import type { Answers } from './call-every-route.ts'
import { buildFunctionCaller, callFunctions, contentOf, startServer, tableOf } from './environments.ts'

const secret = () => randomBytes(32).toString('base64')
const [OWN, OTHER, THIRD] = [secret(), secret(), secret()]
const WEBHOOK = `v1,whsec_${secret()}`
const LOCAL = { AUTH_BASE_URL: 'http://localhost:4000', OTP_WEBHOOK_SECRET: WEBHOOK }
const PUBLIC = {
  AUTH_BASE_URL: 'https://auth.example.test',
  SUPABASE_FUNCTIONS_URL: 'https://project.example.test/functions/v1',
  OTP_WEBHOOK_SECRET: WEBHOOK,
}

let server: BuiltServer
let folder: string
/** A program that calls all functions. */
let functions: string
/** Begun with OWN, with people in it; and with OTHER. No one is connected to either. */
let home: TestDatabase
/** Of `home`. */
let ring: KeyRing
let foreign: TestDatabase

async function begin(database: TestDatabase, AUTH_MASTER_SECRET: string): Promise<KeyRing> {
  const { gateway } = await openGateway(loadConfig({ ...LOCAL, AUTH_MASTER_SECRET, DATABASE_URL: database.appUrl }))
  const { sendCode, signIn } = createTraffic(gateway).actions
  await sendCode(1)
  await signIn(1)
  await gateway.keys.published()
  await gateway.close()
  return gateway.ring
}

beforeAll(async () => {
  const databases = await Promise.all([createTestDatabase(), createTestDatabase()])
  home = databases[0]
  foreign = databases[1]
  folder = await mkdtemp(path.join(tmpdir(), 'auth-gateway-functions-'))
  functions = path.join(folder, 'functions.mjs')
  await buildFunctionCaller(functions)
  server = await buildServer()
  ring = await begin(home, OWN)
  await begin(foreign, OTHER)
}, 120_000)
afterAll(async () => {
  await server?.remove()
  await rm(folder, { recursive: true, force: true })
  await home?.drop()
  await foreign?.drop()
})

const documented = Object.fromEntries(tableOf('| Environment |').map((row) => [row.Environment, row]))

type Case = {
  /** In the first column of the table in docs/configuration.md. */
  row: string
  /** How it comes about, where there is more than one way. */
  how?: string
  env?: NodeJS.ProcessEnv
  /** A copy of `home` unless given. */
  database?: () => Promise<TestDatabase>
  /** Done to the copy by its superuser. */
  change?: string
}

const withWrongPassword = (url: string) => {
  const changed = new URL(url)
  changed.password = 'wrong'
  return changed.href
}

const CASES: Case[] = [
  { row: 'a variable is missing or wrong', how: 'no DATABASE_URL', env: { DATABASE_URL: '' } },
  {
    row: 'a variable is missing or wrong',
    how: 'a public issuer without a secret',
    env: { ...PUBLIC, AUTH_MASTER_SECRET: '' },
  },
  {
    row: 'two secrets are the same',
    env: {
      SUPABASE_JWT_SECRET: 'the same secret, long enough, for two',
      LEGACY_TOKEN_SECRET: 'the same secret, long enough, for two',
    },
  },
  { row: 'another role, password or database', how: 'no such database', env: { DATABASE_URL: 'no such database' } },
  { row: 'another role, password or database', how: 'a wrong password', env: { DATABASE_URL: 'a wrong password' } },
  { row: 'no migrations', database: createEmptyDatabase },
  {
    row: 'no migrations',
    how: 'no longer for the role',
    change: 'revoke usage on schema auth_gateway from auth_gateway_app',
  },
  {
    row: 'older migrations',
    change: `delete from auth_gateway.migrations where version = (select max(version) from auth_gateway.migrations)`,
  },
  {
    row: 'older migrations',
    how: 'those of another numbering',
    change: `update auth_gateway.migrations set version = '091' where version = (select max(version) from auth_gateway.migrations)`,
  },
  { row: 'older migrations', how: 'an empty ledger', change: 'delete from auth_gateway.migrations' },
  { row: 'newer migrations', change: `insert into auth_gateway.migrations values ('999', 'later', 'x')` },
  { row: 'another master secret', how: 'a random one', env: { AUTH_MASTER_SECRET: THIRD } },
  { row: 'another master secret', how: 'that of another database', env: { AUTH_MASTER_SECRET: OTHER } },
  { row: 'another master secret', how: 'two wrong ones', env: { AUTH_MASTER_SECRET: `${OTHER}|${THIRD}` } },
  {
    row: 'another master secret',
    how: 'the root of the key ring is another',
    change: `update auth_gateway.key_root set root = 'secret:0000000000000000'`,
  },
  { row: 'another master secret', how: 'none, on loopback', env: { AUTH_MASTER_SECRET: '' } },
  { row: 'another master secret', how: 'the right one, with another database', env: { DATABASE_URL: 'foreign' } },
  {
    row: 'another master secret',
    how: 'the key ring is lost',
    change: 'delete from auth_gateway.key_ring; delete from auth_gateway.key_root',
  },
  { row: 'an older backup than the kept checkpoint', how: 'in a file', env: { CHECKPOINT_FILE: 'ahead' } },
  {
    row: 'passkeys of another domain',
    change: `insert into auth_gateway.passkeys (id, uai, rp_id, aaguid, transports, backup_eligible, backed_up, sign_count, registered_at, version)
      values (gen_random_uuid(), gen_random_uuid(), 'auth.example.com', gen_random_uuid(), '{}', false, false, 0, now(), 1)`,
  },
  {
    row: 'several master secrets, one of them right',
    how: 'the first',
    env: { AUTH_MASTER_SECRET: `${OWN}|${THIRD}` },
  },
  {
    row: 'several master secrets, one of them right',
    how: 'the last',
    env: { AUTH_MASTER_SECRET: `${THIRD}|${OTHER}|${OWN}` },
  },
  {
    row: 'no projection trigger',
    how: 'disabled',
    change: 'alter table auth_gateway.event_store disable trigger project_event',
  },
  {
    row: 'no projection trigger',
    how: 'disabled in one partition',
    change: 'alter table auth_gateway.event_store_lasting disable trigger project_event',
  },
  { row: 'no projection trigger', how: 'dropped', change: 'drop trigger project_event on auth_gateway.event_store' },
  {
    row: 'no projection trigger',
    how: 'all disabled',
    change: 'alter table auth_gateway.event_store disable trigger all',
  },
  {
    row: 'no append-only trigger',
    how: 'rows',
    change: 'alter table auth_gateway.event_store disable trigger append_only_rows',
  },
  {
    row: 'no append-only trigger',
    how: 'truncate',
    change: 'alter table auth_gateway.event_store_lasting disable trigger append_only_table',
  },
  { row: 'grants to other roles', how: 'anon', change: 'grant usage on schema auth_gateway to anon' },
  { row: 'grants to other roles', how: 'authenticated', change: 'grant usage on schema auth_gateway to authenticated' },
  { row: 'grants to other roles', how: 'public', change: 'grant usage on schema auth_gateway to public' },
  { row: 'the database does not answer', env: { DATABASE_URL: 'nowhere' } },
]

/** A file with a checkpoint of more events than the database has. */
async function keepCheckpointAhead(database: TestDatabase): Promise<string> {
  const settings = { ...LOCAL, AUTH_MASTER_SECRET: OWN, DATABASE_URL: database.appUrl }
  const { sign } = checkpointSigner({ config: loadConfig(settings), ring }, 'localhost:4000/audit')
  const note = sign({ size: 1_000_000, root: randomBytes(32), position: '1000000', time: new Date().toISOString() })
  const file = path.join(folder, 'ahead.jsonl')
  await writeFile(file, `${JSON.stringify({ size: 1_000_000, note })}\n`)
  return file
}

async function environmentOf({ env = {} }: Case, database: TestDatabase): Promise<NodeJS.ProcessEnv> {
  const named: Record<string, string> = {
    'no such database': database.appUrl.replace(database.name, 'no_such_database'),
    'a wrong password': withWrongPassword(database.appUrl),
    foreign: foreign.appUrl,
    nowhere: `postgres://a:b@127.0.0.1:${await freePort()}/c`,
  }
  const { DATABASE_URL = database.appUrl, ...others } = env
  if (others.CHECKPOINT_FILE) others.CHECKPOINT_FILE = await keepCheckpointAhead(database)
  return { ...LOCAL, AUTH_MASTER_SECRET: OWN, ...others, DATABASE_URL: named[DATABASE_URL] ?? DATABASE_URL }
}

/** What is answered without the database, or says what is wrong. */
const DOCUMENTS = [
  'GET /',
  'GET /health',
  'GET /openapi.json',
  'GET /reference',
  'GET /.well-known/onasis.json',
  'GET /.well-known/oauth-authorization-server',
  'GET /.well-known/oauth-authorization-server/*',
  'GET /.well-known/openid-configuration',
  'GET /.well-known/openid-configuration/*',
  'GET /.well-known/passkey-endpoints',
  'GET /.well-known/webauthn',
]
const routesWith = (answers: Answers, fits: (status: number) => boolean) =>
  Object.keys(answers)
    .filter((route) => fits(answers[route] ?? 0))
    .sort()

describe('the table of environments in docs/configuration.md', () => {
  test('is what the code says', () => {
    const said = tableOf('| Environment |').map(({ Says }) => Says)
    for (const sentence of [...Object.values(startErrors), ...Object.values(startWarnings)])
      expect(said).toContain(sentence)
  })

  test('is tried here, row by row', () => {
    expect([...new Set(CASES.map(({ row }) => row))]).toEqual(Object.keys(documented))
  })

  test.each(CASES)('$row ($how)', { timeout: 90_000 }, async (one) => {
    const { Starts, Says = '' } = documented[one.row] ?? {}
    const database = await (one.database ?? (() => copyOf(home)))()
    try {
      if (one.change) await onServer(database.superuserUrl, (sql) => sql.unsafe(one.change ?? ''))
      const env = await environmentOf(one, database)
      const before = await contentOf(database.superuserUrl)
      const started = await startServer(server.program, env)
      const lines = started.lines()
      if (Starts === 'yes') {
        const ready = await fetch(`${started.url}/ready`)
        await started.stop()
        expect(lines.map((line) => (typeof line === 'string' ? line : line.message))).toContain(Says)
        expect(ready.status).toBe(one.env?.DATABASE_URL === 'nowhere' ? 503 : 200)
        return
      }
      expect(started.exitCode).toBe(1)
      expect(lines.filter((line) => typeof line === 'string').map((line) => line.replace(/^ +- /, ''))).toContain(Says)
      const { answers, log } = await callFunctions(functions, env)
      const isConfigured = !lines.includes('The configuration is not usable:')
      expect(routesWith(answers, (status) => status !== 503)).toEqual(isConfigured ? [...DOCUMENTS].sort() : [])
      expect(Object.keys(answers).length).toBeGreaterThan(200)
      expect(log).toContain(Says)
      expect(await contentOf(database.superuserUrl)).toEqual(before)
    } finally {
      await database.drop()
    }
  })
})

test('the right environment refuses none of those routes and reports no problem', {
  timeout: 60_000,
}, async () => {
  const database = await copyOf(home)
  const env = { ...LOCAL, AUTH_MASTER_SECRET: OWN, SYNC_WEBHOOK_SECRET: secret(), DATABASE_URL: database.appUrl }
  const { answers, log } = await callFunctions(functions, env)
  await database.drop()
  expect(routesWith(answers, (status) => status === 503)).toEqual([])
  expect(log.split('\n').filter((line) => line && JSON.parse(line).message !== 'request')).toEqual([])
})

describe('the modes in docs/configuration.md', () => {
  const modes = tableOf('| `NODE_ENV` | `AUTH_BASE_URL` |').filter(({ HOST }) => HOST !== 'public')

  test('are all combinations', () => {
    const seen = modes.map(({ NODE_ENV, AUTH_BASE_URL }) => `${NODE_ENV} ${AUTH_BASE_URL}`)
    const expected = ['loopback', 'public'].flatMap((issuer) =>
      ['unset', 'development', 'test', 'production'].map((name) => `${name} ${issuer}`),
    )
    expect(seen).toEqual(expected)
  })

  test.each(modes)('NODE_ENV $NODE_ENV, $AUTH_BASE_URL issuer', { timeout: 60_000 }, async (row) => {
    const env = {
      ...(row.NODE_ENV !== 'unset' && { NODE_ENV: row.NODE_ENV }),
      ...(row.AUTH_BASE_URL === 'public' ? PUBLIC : { ...PUBLIC, ...LOCAL }),
      AUTH_MASTER_SECRET: OWN,
      DATABASE_URL: home.appUrl,
    }
    const started = await startServer(server.program, env)
    try {
      if (row['Runs as'] === 'nothing') {
        expect(started.lines()).toEqual(['The configuration is not usable:', `  - ${row.Because}`])
        return
      }
      expect(started.lines().find((line) => typeof line === 'object')).toMatchObject({
        message: 'listening',
        mode: row['Runs as'],
        because: row.Because,
      })
      const form = {
        method: 'POST',
        body: new URLSearchParams({ client_id: `unknown-${randomBytes(6).toString('hex')}` }),
      }
      const features = await Promise.all([
        fetch(`${started.url}/test-client`),
        fetch(`${started.url}/v1/auth/resolve/debug`),
        fetch(`${started.url}/oauth/device`, form),
      ])
      const open = row['Runs as'] !== 'production'
      expect(features.map(({ status }) => status)).toEqual(open ? [200, 200, 200] : [404, 404, 401])
    } finally {
      await started.stop()
    }
  })
})

describe('a new database', () => {
  const settings = (database: TestDatabase, AUTH_MASTER_SECRET: string) =>
    loadConfig({ ...LOCAL, AUTH_MASTER_SECRET, DATABASE_URL: database.appUrl })

  test('takes the first of several secrets, and none of the others from then on', async () => {
    const database = await createTestDatabase()
    const { gateway, ring, isNew } = await openGateway(settings(database, `${OWN}|${OTHER}`))
    await gateway.close()
    expect({ taken: ring.root, isNew }).toEqual({ taken: 0, isNew: true })
    await expect(openGateway(settings(database, OTHER))).rejects.toThrow(startErrors.root)
    const again = await openGateway(settings(database, `${OTHER}|${OWN}`))
    await again.gateway.close()
    expect({ taken: again.ring.root, isNew: again.isNew }).toEqual({ taken: 1, isNew: false })
    await database.drop()
  })

  test('is of one of twenty processes with different secrets, and refuses the other nineteen', async () => {
    const database = await createTestDatabase()
    const secrets = Array.from({ length: 20 }, secret)
    const outcomes = await Promise.allSettled(secrets.map((one) => openGateway(settings(database, one))))
    const opened = outcomes.filter((one) => one.status === 'fulfilled')
    await Promise.all(opened.map(({ value }) => value.gateway.close()))
    expect(opened.length).toBe(1)
    const reasons = outcomes.filter((one) => one.status === 'rejected').map(({ reason }) => reason.message)
    expect(reasons).toEqual(Array.from({ length: 19 }, () => startErrors.root))
    await database.drop()
  })

  test('of twenty processes with one secret opens for all', async () => {
    const database = await createTestDatabase()
    const opened = await Promise.all(Array.from({ length: 20 }, () => openGateway(settings(database, OWN))))
    await Promise.all(opened.map(({ gateway }) => gateway.close()))
    expect(opened.length).toBe(20)
    await database.drop()
  })

  test('from before the key ring keeps the keys that its master secret gave, sealed values included', async () => {
    const database = await createTestDatabase()
    const subject = uuidv7()
    const derive = keyDerivation(Buffer.from(OWN, 'base64'))
    const unversioned = (key: Buffer, text: Buffer, context: string) => sealBytes(key, text, context).subarray(1)
    const wrapped = unversioned(derive('subject-key-wrapping'), Buffer.alloc(32, 5), subject)
    await onServer(
      database.superuserUrl,
      (sql) => sql`insert into auth_gateway.subject_keys (subject, wrapped_key) values (${subject}, ${wrapped})`,
    )
    await expect(openGateway(settings(database, OTHER))).rejects.toThrow(startErrors.root)
    const { gateway, isNew } = await openGateway(settings(database, `${OTHER}|${OWN}`))
    await gateway.close()
    expect(isNew).toBe(true)
    expect(gateway.personal.unwrap(subject, wrapped).equals(Buffer.alloc(32, 5))).toBe(true)
    const keys = Object.fromEntries(gateway.ring.all().map(({ purpose, key }) => [purpose, key.toString('hex')]))
    expect(keys).toEqual(Object.fromEntries(Object.keys(keys).map((one) => [one, derive(one).toString('hex')])))
    await database.drop()
  })
})

test('a database that comes late: requests get 503, then are served; a wrong one ends the server', {
  timeout: 60_000,
}, async () => {
  const { hostname, port } = new URL(home.appUrl)
  for (const [secretHere, outcome] of [
    [OWN, 'served'],
    [THIRD, 'ended'],
  ]) {
    const here = await freePort()
    const url = new URL(home.appUrl)
    url.port = String(here)
    const started = await startServer(server.program, {
      ...LOCAL,
      AUTH_MASTER_SECRET: secretHere,
      DATABASE_URL: url.href,
    })
    expect((await fetch(`${started.url}/v1/auth/session`)).status).toBe(503)
    const relay = createServer((socket) => {
      const other = connect(Number(port), hostname)
      socket.pipe(other).pipe(socket)
      for (const end of [socket, other]) end.on('error', () => end.destroy())
    })
    await new Promise<void>((resolve) => relay.listen(here, '127.0.0.1', resolve))
    if (outcome === 'served') {
      await expect.poll(async () => (await fetch(`${started.url}/v1/auth/session`)).status).toBe(401)
      await started.stop()
    } else {
      while (started.exitCode === null) await sleep(50)
      expect(started.exitCode).toBe(1)
      expect(started.lines().at(-1)).toMatchObject({ level: 'error', message: startErrors.root })
    }
    await new Promise((resolve) => relay.close(resolve))
  }
})
