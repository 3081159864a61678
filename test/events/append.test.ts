import postgres from 'postgres'
import { uuidv7 } from 'uuidv7'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { verifyEvents } from '../../scripts/lib/verify-events.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'

let database: TestDatabase
let superuser: postgres.Sql
let owner: postgres.Sql
let app: postgres.Sql

const connect = (url: string, max = 1) => postgres(url, { max, prepare: false, onnotice: () => {} })

beforeAll(async () => {
  database = await createTestDatabase()
  superuser = connect(database.superuserUrl)
  owner = connect(database.ownerUrl, 20)
  app = connect(database.appUrl)
})

afterAll(async () => {
  await Promise.all([superuser?.end(), owner?.end(), app?.end()])
  await database?.drop()
})

type Given = { id?: string; type?: string; version?: number; events?: object[] }

/** An append of one event to one stream. */
const append = ({ id = uuidv7(), type = 'organization', version = 0, events = [organization()] }: Given = {}) => ({
  stream_type: type,
  stream_id: id,
  expected_version: version,
  events: events.map((event) => ({ event_id: uuidv7(), schema_version: 1, metadata: {}, ...event })),
})
const organization = () => ({ event_type: 'OrganizationCreated', data: { kind: 'team', owner: uuidv7() } })
const opened = {
  event_type: 'OtpChallengeIssued',
  data: { channel: 'email', codeHash: 'x', expiresAt: new Date().toISOString() },
}
const failed = (attempt: number) => ({ event_type: 'OtpAttemptFailed', data: { attempt } })

const appendAll = (appends: object[], keys: object[] = [], limits: object[] = [], sql = owner) =>
  sql`select auth_gateway.append_events(${sql.json(appends as never)}, ${sql.json(keys as never)}, ${sql.json(limits as never)})`
const eventsOf = (id: string) => owner`
  select version, event_type from auth_gateway.event_store where stream_id = ${id} order by version`
const count = async () => Number((await owner`select count(*) from auth_gateway.event_store`)[0]?.count)

describe('append_events', () => {
  test('appends several events to several streams and answers with the last position', async () => {
    const [one, two] = [uuidv7(), uuidv7()]
    const [row] = await appendAll([
      append({ id: one, type: 'otp_challenge', events: [opened, failed(1)] }),
      append({ id: two }),
    ])
    const [last] = await owner`select max(position) from auth_gateway.event_store`
    expect(row?.append_events).toBe(last?.max)
    expect((await eventsOf(one)).map(({ version }) => version)).toEqual([1, 2])
    expect((await eventsOf(two)).map(({ version }) => version)).toEqual([1])
  })

  test('LA001: a version that is behind, ahead, or of a stream that exists or does not', async () => {
    const id = uuidv7()
    const type = 'otp_challenge'
    await appendAll([append({ id, type, events: [opened, failed(1)] })])
    const before = await count()
    const stale = (version: number) => ({ code: 'LA001', message: `stream ${type} ${id} is not at version ${version}` })
    const next = (version: number) => appendAll([append({ id, type, version, events: [failed(2)] })])
    await expect(next(1)).rejects.toMatchObject(stale(1))
    await expect(next(3)).rejects.toMatchObject(stale(3))
    await expect(next(0)).rejects.toMatchObject({ code: 'LA001', message: `stream ${type} ${id} exists` })
    await expect(appendAll([append({ version: 1 })])).rejects.toMatchObject({ code: 'LA001' })
    expect(await count()).toBe(before)
  })

  test('LA001: of 20 parallel appends at one version exactly one wins', async () => {
    const id = uuidv7()
    const type = 'otp_challenge'
    await appendAll([append({ id, type, events: [opened] })])
    const attempts = Array.from({ length: 20 }, (_, n) =>
      appendAll([append({ id, type, version: 1, events: [failed(n)] })]),
    )
    const results = await Promise.allSettled(attempts)
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    const refused = results.flatMap((one) => (one.status === 'rejected' ? [one.reason.code] : []))
    expect(refused).toEqual(Array(19).fill('LA001'))
    expect(await eventsOf(id)).toHaveLength(2)
  })

  test('LA001: of 20 parallel starts of one stream exactly one wins', async () => {
    const id = uuidv7()
    const results = await Promise.allSettled(Array.from({ length: 20 }, () => appendAll([append({ id })])))
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    expect(await eventsOf(id)).toHaveLength(1)
  })

  test('nothing at all when one of several streams is stale, in any order', async () => {
    const ids = [uuidv7(), uuidv7(), uuidv7()]
    const good = append({ id: ids[0], type: 'otp_challenge', events: [opened] })
    const stale = append({ id: ids[1], version: 7 })
    const last = append({ id: ids[2] })
    const before = await count()
    for (const order of [
      [good, stale, last],
      [stale, good, last],
      [good, last, stale],
    ])
      await expect(appendAll(order, [{ subject: ids[0], wrapped_key: 'aa' }])).rejects.toMatchObject({ code: 'LA001' })
    expect(await count()).toBe(before)
    expect(await owner`select 1 from auth_gateway.stream_heads where stream_id in ${owner(ids)}`).toEqual([])
    expect(await owner`select 1 from auth_gateway.subject_keys where subject in ${owner(ids)}`).toEqual([])
  })

  test('nothing when a read model refuses, or knows no such event', async () => {
    const before = await count()
    const nonsense = { event_type: 'Nonsense', data: {} }
    await expect(appendAll([append(), append({ events: [nonsense] })])).rejects.toMatchObject({ code: '20000' })
    const duplicate = { clientId: 'MCP-CLIENT', firstParty: false, origin: 'operator', metadata: {} }
    const registered = { event_type: 'ClientRegistered', data: duplicate }
    await expect(appendAll([append(), append({ type: 'api_client', events: [registered] })])).rejects.toMatchObject({
      code: '23505',
    })
    await expect(appendAll([append({ type: 'unheard_of' })])).rejects.toMatchObject({ code: '23514' })
    expect(await count()).toBe(before)
  })

  test('two that touch the same streams in opposite order do not deadlock', async () => {
    const [one, two] = [uuidv7(), uuidv7()]
    const type = 'otp_challenge'
    await appendAll([append({ id: one, type, events: [opened] }), append({ id: two, type, events: [opened] })])
    for (let round = 1; round <= 5; round++) {
      const to = (id: string) => append({ id, type, version: round, events: [failed(round)] })
      const pairs = Array.from({ length: 8 }, (_, n) => appendAll(n % 2 ? [to(one), to(two)] : [to(two), to(one)]))
      const results = await Promise.allSettled(pairs)
      expect(results.map((result) => (result.status === 'rejected' ? result.reason.code : 'done')).sort()).toEqual([
        ...Array(7).fill('LA001'),
        'done',
      ])
    }
  })

  test('LA001: a data key for a subject that has one', async () => {
    const first = append()
    const subject = first.stream_id
    await appendAll([first], [{ subject, wrapped_key: 'aa' }])
    const again = appendAll([append()], [{ subject, wrapped_key: 'bb' }])
    await expect(again).rejects.toMatchObject({ code: 'LA001', message: 'subject already known' })
    const rows =
      await owner`select encode(wrapped_key, 'hex') as key from auth_gateway.subject_keys where subject = ${subject}`
    expect(rows).toEqual([{ key: 'aa' }])
  })

  test('LA003: a full rate limit names the wait, appends nothing and counts nothing', async () => {
    const limit = { bucket: `test-${uuidv7()}`, seconds: 60, max: 2 }
    const other = { bucket: `other-${uuidv7()}`, seconds: 60, max: 100 }
    for (let n = 0; n < 2; n++) await appendAll([append()], [], [limit, other])
    const before = await count()
    for (let n = 0; n < 3; n++) {
      const error = await appendAll([append()], [], [limit, other]).catch((reason) => reason)
      expect(error).toMatchObject({ code: 'LA003', message: 'rate limit reached' })
      expect(Number(error.detail)).toBeGreaterThan(50)
      expect(Number(error.detail)).toBeLessThanOrEqual(60)
    }
    expect(await count()).toBe(before)
    const rows =
      await owner`select count from auth_gateway.rate_limits where bucket in (${limit.bucket}, ${other.bucket})`
    expect(rows).toEqual([{ count: 2 }, { count: 2 }])
  })

  test('leaves chains that verify', async () => {
    expect(await verifyEvents(owner)).toMatchObject({ ok: true, faults: [] })
  })
})

describe('LA002: the event store is append-only', () => {
  const partitions = [
    'event_store',
    'event_store_lasting',
    'event_store_short_lived',
    'event_store_short_lived_default',
  ]
  const month = async () => {
    const [row] = await owner`select to_char(now() at time zone 'UTC', '"event_store_"YYYY_MM') as name`
    return String(row?.name)
  }
  const refused = { code: 'LA002', message: 'the event store is append-only' }

  test.each(['owner', 'superuser'])('for the %s, also on every partition and with cascade', async (role) => {
    const sql = role === 'owner' ? owner : superuser
    const before = await count()
    for (const table of [...partitions, await month()]) {
      await expect(sql.unsafe(`truncate auth_gateway.${table}`)).rejects.toMatchObject(refused)
      await expect(sql.unsafe(`truncate auth_gateway.${table} cascade`)).rejects.toMatchObject(refused)
      const { count: rows } = await sql.unsafe(`select 1 from auth_gateway.${table} limit 1`)
      if (rows === 0) continue
      await expect(sql.unsafe(`delete from auth_gateway.${table}`)).rejects.toMatchObject(refused)
      await expect(sql.unsafe(`update auth_gateway.${table} set data = '{}'`)).rejects.toMatchObject(refused)
      await expect(sql.unsafe(`update auth_gateway.${table} set version = version + 100`)).rejects.toMatchObject(
        refused,
      )
    }
    expect(await count()).toBe(before)
  })

  test('also on a partition of the month that has rows', async () => {
    expect((await owner.unsafe(`select 1 from auth_gateway.${await month()} limit 1`)).length).toBe(1)
  })
})

describe('the application role', () => {
  const denied = { code: '42501' }

  test('reads every table and writes to the event store by the function alone', async () => {
    expect((await app`select count(*)::int from auth_gateway.event_store`)[0]?.count).toBeGreaterThan(20)
    const writes = [
      'insert into auth_gateway.event_store select * from auth_gateway.event_store limit 1',
      'update auth_gateway.event_store set version = 1',
      'delete from auth_gateway.event_store',
      'truncate auth_gateway.event_store',
      `insert into auth_gateway.stream_heads values ('session', gen_random_uuid(), 1, '')`,
      'delete from auth_gateway.subject_keys',
      'delete from auth_gateway.lookup_digests',
      `update auth_gateway.identities set role = 'admin'`,
    ]
    for (const statement of writes) await expect(app.unsafe(statement), statement).rejects.toMatchObject(denied)
  })

  test.each([
    `rebuild_model('identities')`,
    `project_identity(null)`,
    'ensure_event_partitions(now(), 1)',
    'refuse_change()',
  ])('cannot execute %s', async (statement) => {
    await expect(app.unsafe(`select auth_gateway.${statement}`)).rejects.toMatchObject(denied)
  })

  test('is not above row-level security, which every table has', async () => {
    const rows = await owner`
      select c.relname from pg_class c where c.relnamespace = 'auth_gateway'::regnamespace
        and c.relkind in ('r', 'p') and not c.relrowsecurity`
    expect(rows.map(({ relname }) => relname)).toEqual([])
    const [role] = await app`select rolsuper, rolbypassrls from pg_roles where rolname = current_user`
    expect(role).toEqual({ rolsuper: false, rolbypassrls: false })
  })
})

test.each(['anon', 'authenticated', 'service_role'])(
  '%s sees nothing of any table, even when a grant slips in',
  async (role) => {
    const tables = await owner`
    select c.relname from pg_class c where c.relnamespace = 'auth_gateway'::regnamespace and c.relkind in ('r', 'p')`
    for (const { relname } of tables) {
      const look = superuser.begin(async (sql) => {
        await sql.unsafe(`set local role ${role}`)
        await sql.unsafe(`select 1 from auth_gateway.${relname}`)
      })
      await expect(look, relname).rejects.toMatchObject({ code: '42501' })
    }
    if (role === 'service_role') return
    await superuser
      .begin(async (sql) => {
        await sql.unsafe(
          `grant usage on schema auth_gateway to ${role}; grant select on all tables in schema auth_gateway to ${role}`,
        )
        await sql.unsafe(`set local role ${role}`)
        for (const { relname } of tables)
          expect(await sql.unsafe(`select 1 from auth_gateway.${relname} limit 1`), relname).toEqual([])
        throw new Error('undo')
      })
      .catch((error: Error) => expect(error.message).toBe('undo'))
  },
)
