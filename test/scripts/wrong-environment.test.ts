import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { uuidv7 } from 'uuidv7'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { doctor } from '../../scripts/doctor.ts'
import { events } from '../../scripts/events.ts'
import type { Checked } from '../../scripts/lib/doctor/check.ts'
import { onServer } from '../../scripts/lib/gateway-database.ts'
import type { Verification } from '../../scripts/lib/verify-events.ts'
import { checkpointSigner, makeCheckpoints } from '../../shared/audit/checkpoints.ts'
import { type Config, loadConfig } from '../../shared/config.ts'
import { create as createIdentity, identity } from '../../shared/domain/identity.ts'
import { createPersonal, organization } from '../../shared/domain/organization.ts'
import { commit } from '../../shared/events/commit.ts'
import { createGateway, type Gateway, openGateway } from '../../shared/gateway.ts'
import { startErrors } from '../../shared/start.ts'
import { firstKeys } from '../../shared/tokens/key-ring.ts'
import { readNote } from '../../shared/tokens/note.ts'
import { copyOf, createTestDatabase, type TestDatabase } from '../support/database.ts'
import { call } from './terminal.ts'

const secret = () => randomBytes(32).toString('base64')
const [OWN, OTHER] = [secret(), secret()]
const WEBHOOK = `v1,whsec_${secret()}`
const ADDRESS = 'ada@example.test'

let home: TestDatabase
let copy: TestDatabase
/** Of Ada in `home`. */
let ada: string

const settings = (database: TestDatabase, AUTH_MASTER_SECRET: string) =>
  loadConfig({ NODE_ENV: 'test', DATABASE_URL: database.appUrl, AUTH_MASTER_SECRET, OTP_WEBHOOK_SECRET: WEBHOOK })

/** As a person who signs in for the first time. */
async function addPerson({ store, personal }: Gateway, address: string): Promise<string> {
  const [uai, organizationId] = [uuidv7(), uuidv7()]
  const credential = {
    credentialId: uuidv7(),
    kind: 'email' as const,
    verified: true,
    address,
    lookup: address.toLowerCase(),
  }
  await commit({ gateway: { store, personal }, request: { id: uuidv7() } }, async (work) => {
    const credentials = [{ ...credential, evidence: { method: 'otp' } }]
    work.start(identity, uai, { subject: uai }).decide(() => createIdentity({ organizationId, credentials }))
    work.start(organization, organizationId, { subject: uai }).decide(() => createPersonal(uai))
  })
  return uai
}

const opened = async (config: Config) => (await openGateway(config)).gateway

async function withGateway<T>(gateway: Gateway, use: (gateway: Gateway) => Promise<T>): Promise<T> {
  try {
    return await use(gateway)
  } finally {
    await gateway.close()
  }
}

beforeAll(async () => {
  home = await createTestDatabase()
  const { gateway } = await openGateway(settings(home, OWN))
  ada = await withGateway(gateway, async (own) => {
    const uai = await addPerson(own, ADDRESS)
    await makeCheckpoints(own)
    return uai
  })
})
afterAll(() => home?.drop())
beforeEach(async () => {
  copy = await copyOf(home)
})
afterEach(() => copy.drop())

const env = (changes: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv => ({
  DATABASE_URL: copy.appUrl,
  DATABASE_MIGRATION_URL: copy.ownerUrl,
  AUTH_MASTER_SECRET: OWN,
  OTP_WEBHOOK_SECRET: WEBHOOK,
  ...changes,
})
const asSuperuser = (statement: string) => onServer(copy.superuserUrl, (sql) => sql.unsafe(statement))

async function verify(changes: NodeJS.ProcessEnv = {}, ...args: string[]) {
  const { exitCode, out, err } = await call(events, env(changes), 'verify', '--json', ...args)
  const { faults } = JSON.parse(out) as Verification
  return { exitCode, faults, names: faults.map(({ fault }) => fault), err }
}

async function examined(check: string, changes: NodeJS.ProcessEnv = {}): Promise<Checked | undefined> {
  const { out } = await call(doctor, env(changes), '--json')
  return (JSON.parse(out) as Checked[]).find((one) => one.check === check)
}

test('0: an unchanged store verifies after a change of the issuer', async () => {
  expect(await verify()).toEqual({ exitCode: 0, faults: [], names: [], err: '' })
  const elsewhere = { AUTH_BASE_URL: 'https://moved.example.test', NODE_ENV: 'test' }
  expect(await verify(elsewhere)).toEqual({ exitCode: 0, faults: [], names: [], err: '' })
})

test('with the secret of another database nothing is judged by it, and verify says so', async () => {
  const err = [
    'No key to check the signatures of checkpoints: give --key',
    'No root opens the key ring of this database: the keys of personal data were not checked',
  ].join('\n')
  expect(await verify({ AUTH_MASTER_SECRET: OTHER })).toEqual({ exitCode: 0, faults: [], names: [], err })
})

describe('a person that a process with another master secret wrote', () => {
  let forked: string
  beforeEach(async () => {
    forked = await withGateway(createGateway(settings(copy, OTHER), firstKeys()), (foreign) =>
      addPerson(foreign, 'Ada@example.test'),
    )
  })

  test('is named', async () => {
    const { exitCode, faults } = await verify()
    expect(exitCode).toBe(1)
    expect(faults.map(({ fault, count, first }) => [fault, count, first.stream_type, first.stream_id])).toEqual([
      ['key_foreign', 1, 'identity', forked],
    ])
  })
})

test('two identities with one address under one secret are named too', async () => {
  await asSuperuser('drop index auth_gateway.credentials_digest')
  const second = await withGateway(await opened(settings(copy, OWN)), (own) => addPerson(own, 'ADA@example.test'))
  const { faults } = await verify()
  expect(faults.map(({ fault, first }) => [fault, first.stream_id, first.detail])).toEqual([
    ['address_twice', second, `the other is ${ada}`],
  ])
})

describe('the name of the log', () => {
  const note = async () => {
    const [row] = await onServer(
      copy.superuserUrl,
      (sql) => sql<{ note: string }[]>`
      select note from auth_gateway.audit_checkpoints order by size desc limit 1`,
    )
    return row?.note ?? ''
  }
  const signed = async () => withGateway(await opened(settings(copy, OWN)), (own) => makeCheckpoints(own))
  const keyOf = async (origin: string) =>
    withGateway(await opened(settings(copy, OWN)), async (own) => checkpointSigner(own, origin).verifierKey)
  const rename = (...args: string[]) => call(events, env(), 'origin', ...args)
  const OLD = 'localhost:4000/audit'
  const NEW = 'auth.example.test/audit'

  test('is stored with the first checkpoint, as an event, and does not follow the issuer', async () => {
    const moved = loadConfig({ ...env(), NODE_ENV: 'test', AUTH_BASE_URL: 'http://127.0.0.1:9' })
    await withGateway(await opened(moved), async (own) => {
      await addPerson(own, 'grace@example.test')
      await makeCheckpoints(own)
    })
    expect(readNote(await note())?.origin).toBe(OLD)
    const [row] = await onServer(
      copy.superuserUrl,
      (sql) => sql`
      select event_type, data, metadata->>'actor' as actor from auth_gateway.event_store where stream_type = 'audit_log'`,
    )
    expect(row).toEqual({ event_type: 'AuditLogBegun', data: { origin: OLD }, actor: 'checkpoints' })
  })

  test('is started once by twenty processes in parallel', async () => {
    const fresh = await createTestDatabase()
    const gateways = await Promise.all(Array.from({ length: 20 }, () => opened(settings(fresh, OWN))))
    await Promise.all(gateways.map((one) => makeCheckpoints(one)))
    await Promise.all(gateways.map((one) => one.close()))
    const [row] = await onServer(
      fresh.superuserUrl,
      (sql) => sql`
      select count(*)::int as begun from auth_gateway.event_store where event_type = 'AuditLogBegun'`,
    )
    await fresh.drop()
    expect(row).toEqual({ begun: 1 })
  })

  test('changes by an event with its reason, from the next checkpoint on, and all of them verify', async () => {
    expect(await rename()).toMatchObject({ exitCode: 0, out: `signed as ${OLD}\nverifier key ${await keyOf(OLD)}` })
    const changed = await rename(NEW, '--reason', 'the domain moved')
    expect(changed).toMatchObject({ exitCode: 0, out: `signed as ${NEW}\nverifier key ${await keyOf(NEW)}` })
    await signed()
    expect(readNote(await note())?.origin).toBe(NEW)
    const [row] = await onServer(
      copy.superuserUrl,
      (sql) => sql`
      select data from auth_gateway.event_store where event_type = 'AuditLogOriginChanged'`,
    )
    expect(row?.data).toEqual({ origin: NEW, previous: OLD, reason: 'the domain moved' })
    expect(await verify()).toMatchObject({ exitCode: 0, names: [] })
    const keys = [await keyOf(OLD), await keyOf(NEW)].flatMap((key) => ['--key', key])
    expect(await verify({ AUTH_MASTER_SECRET: OTHER }, ...keys)).toMatchObject({ exitCode: 0, names: [] })
    expect(await verify({}, '--key', await keyOf(OLD))).toMatchObject({ exitCode: 1, names: ['checkpoint_unsigned'] })
    const folder = await mkdtemp(path.join(tmpdir(), 'origin-'))
    const file = path.join(folder, 'log.jsonl')
    await writeFile(file, `${(await call(events, env(), 'export')).out}\n`)
    const outside = (...args: string[]) =>
      new Promise<number>((resolve) => {
        execFile(process.execPath, ['scripts/verify-export.mjs', file, ...args], (error) =>
          resolve(Number(error?.code ?? 0)),
        )
      })
    expect([await outside(...keys), await outside(...keys.slice(0, 2)), await outside()]).toEqual([0, 1, 0])
    await rm(folder, { recursive: true })
  })

  test('is of the history: a checkpoint under a name that the log never had, or no longer, is named', async () => {
    await rename(NEW, '--reason', 'the domain moved')
    await signed()
    const under = async (origin: string) => {
      const { size, root, position, time } = readNote(await note()) ?? {
        size: 0,
        root: Buffer.alloc(0),
        position: '',
        time: '',
      }
      const signer = await withGateway(await opened(settings(copy, OWN)), async (own) => checkpointSigner(own, origin))
      const forged = signer.sign({ size, root, position, time })
      await onServer(
        copy.superuserUrl,
        (sql) => sql`update auth_gateway.audit_checkpoints set note = ${forged} where size = ${size}`,
      )
    }
    await under('elsewhere.example.test/audit')
    expect((await verify()).names).toEqual(['checkpoint_unsigned', 'checkpoint_origin'])
    await under(NEW)
    expect((await verify()).names).toEqual([])
    await rename('third.example.test/audit', '--reason', 'again')
    await withGateway(await opened(settings(copy, OWN)), (own) => addPerson(own, 'grace@example.test'))
    await signed()
    await under(OLD)
    expect((await verify()).names).toEqual(['checkpoint_origin'])
  })

  test('2: wrong usage, 1: a log that has none yet', async () => {
    for (const args of [
      [NEW],
      ['https://auth.example.test/a b', '--reason', 'x'],
      ['a+b', '--reason', 'x'],
      [NEW, OLD, '--reason', 'x'],
    ])
      expect((await rename(...args)).exitCode).toBe(2)
    const fresh = await createTestDatabase()
    const { exitCode, err } = await call(
      events,
      { ...env(), DATABASE_MIGRATION_URL: fresh.ownerUrl },
      'origin',
      NEW,
      '--reason',
      'x',
    )
    await fresh.drop()
    expect([exitCode, err]).toEqual([1, 'The log gets its name with its first checkpoint'])
  })
})

describe('triggers that keep the log', () => {
  test.each([
    [
      'append_only_rows of auth_gateway.event_store',
      'alter table auth_gateway.event_store disable trigger append_only_rows',
    ],
    [
      'append_only_rows of auth_gateway.event_store_lasting',
      'alter table auth_gateway.event_store_lasting disable trigger append_only_rows',
    ],
    ['append_only_table of auth_gateway.event_store', 'drop trigger append_only_table on auth_gateway.event_store'],
    ['project_event of auth_gateway.event_store', 'alter table auth_gateway.event_store disable trigger project_event'],
    [
      'append_only_table of auth_gateway.event_store_lasting',
      'alter table auth_gateway.event_store_lasting enable replica trigger append_only_table',
    ],
    [
      'append_only_table of auth_gateway.event_store',
      `create function auth_gateway.let_pass() returns trigger language plpgsql as $$ begin return null; end $$;
       revoke all on function auth_gateway.let_pass() from public;
       create or replace trigger append_only_table before truncate on auth_gateway.event_store for each statement execute function auth_gateway.let_pass()`,
    ],
  ])('%s: verify and doctor name it', async (named, change) => {
    await asSuperuser(change)
    const [guard, relation] = named.split(' of ')
    const { exitCode, faults } = await verify()
    expect([exitCode, new Set(faults.map(({ fault }) => fault))]).toEqual([1, new Set(['unguarded'])])
    expect(faults.find(({ first }) => first.table === relation)?.first.detail).toBe(guard)
    expect(await examined('append-only')).toMatchObject({
      state: 'wrong',
      detail: expect.stringContaining(`missing: ${named}`),
    })
  })

  test('a setting that disables them all', async () => {
    await asSuperuser(`alter database ${copy.name} set session_replication_role = replica`)
    const { faults } = await verify()
    expect(faults[0]?.first).toEqual({ fault: 'unguarded', table: copy.name, detail: 'session_replication_role' })
    expect((await examined('start'))?.detail).toBe(startErrors.projection_disabled)
  })
})

describe('grants to other roles', () => {
  test.each([
    ['anon: usage on the schema', 'grant usage on schema auth_gateway to anon'],
    ['public: usage on the schema', 'grant usage on schema auth_gateway to public'],
    ['authenticated: select on credentials', 'grant select on auth_gateway.credentials to authenticated'],
    ['service_role: select on identities.email', 'grant select (email) on auth_gateway.identities to service_role'],
    ['public: execute on append_events()', 'grant execute on function auth_gateway.append_events to public'],
    [
      'anon: select on future objects',
      'alter default privileges for role auth_gateway_owner in schema auth_gateway grant select on tables to anon',
    ],
  ])('%s: verify and doctor name it', async (detail, grant) => {
    await asSuperuser(grant)
    const { exitCode, faults } = await verify()
    expect([exitCode, faults.map(({ fault, first }) => [fault, first.detail])]).toEqual([
      1,
      [['foreign_grant', detail]],
    ])
    expect(await examined('grants')).toMatchObject({ state: 'wrong', detail })
  })

  test('a role that only reads is to be looked at, one that writes is wrong', async () => {
    const role = `reader_${copy.name}`
    await asSuperuser(
      `create role ${role}; grant usage on schema auth_gateway to ${role}; grant select on auth_gateway.messages to ${role}`,
    )
    try {
      expect(await verify()).toMatchObject({ exitCode: 0, names: [] })
      const detail = `${role}: select, usage on messages and 1 more`
      expect(await examined('grants')).toMatchObject({ state: 'warning', detail })
      await asSuperuser(`grant insert on auth_gateway.event_store to ${role}`)
      expect((await verify()).names).toEqual(['foreign_grant'])
      expect(await examined('grants')).toMatchObject({ state: 'wrong' })
    } finally {
      await asSuperuser(`drop owned by ${role}; drop role ${role}`)
    }
  })
})

describe('the doctor says whether a process may start', () => {
  test.each<[state: string, detail: string, changes: NodeJS.ProcessEnv]>([
    ['ok', 'a process may serve it', {}],
    ['ok', 'a process may serve it, with root 2 of 2', { AUTH_MASTER_SECRET: `${OTHER}|${OWN}` }],
    ['wrong', startErrors.root, { AUTH_MASTER_SECRET: OTHER }],
  ])('%s: %s', async (state, detail, changes) => {
    expect(await examined('start', changes)).toMatchObject({ state, detail })
  })

  test('and leaves a new database alone', async () => {
    const fresh = await createTestDatabase()
    const urls = { DATABASE_URL: fresh.appUrl, DATABASE_MIGRATION_URL: fresh.ownerUrl }
    expect(await examined('start', urls)).toMatchObject({
      state: 'ok',
      detail: 'a new database, which the first process initializes',
    })
    const rows = await onServer(fresh.superuserUrl, (sql) => sql`select 1 from auth_gateway.key_root`)
    await fresh.drop()
    expect(rows.length).toBe(0)
  })
})

test('operator commands refuse a database of another secret, and write nothing', async () => {
  const { clients } = await import('../../scripts/clients.ts')
  const args = ['add', '--name', 'An app', '--redirect-uri', 'https://app.example.test/callback']
  const { exitCode, err } = await call(clients, env({ AUTH_MASTER_SECRET: OTHER }), ...args)
  expect([exitCode, err]).toEqual([1, startErrors.root])
  expect(await verify()).toMatchObject({ exitCode: 0 })
})
