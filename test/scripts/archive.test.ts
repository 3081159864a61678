import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import postgres from 'postgres'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { archive } from '../../scripts/archive.ts'
import { events } from '../../scripts/events.ts'
import { onServer } from '../../scripts/lib/gateway-database.ts'
import { endOf } from '../../scripts/lib/months.ts'
import { isEqual, type Rebuilt } from '../../scripts/lib/rebuild-models.ts'
import type { Verification } from '../../scripts/lib/verify-events.ts'
import { makeCheckpoints } from '../../shared/audit/checkpoints.ts'
import type { Gateway } from '../../shared/gateway.ts'
import { stateAt } from '../../shared/operators/operated-state.ts'
import { listUnusedClients } from '../../shared/queries/api-clients.ts'
import { listDueNotices } from '../../shared/queries/api-keys.ts'
import { findFamily } from '../../shared/queries/token-families.ts'
import { createTraffic, sweepAt, testGateway } from '../projections/traffic.ts'
import { copyOf, createTestDatabase, type TestDatabase } from '../support/database.ts'

const MONTH = '2026-03'
const NEXT = '2026-04'

let old: TestDatabase
let folder: string
let copy: TestDatabase
let owner: postgres.Sql
let gateway: Gateway

beforeAll(async () => {
  old = await createTestDatabase()
  await onServer(old.ownerUrl, (sql) => sql`select auth_gateway.ensure_event_partitions(${`${MONTH}-01`}, 2)`)
  const of = await testGateway(old)
  // Sizes of one, two and more digits: the newest is not the last in the order of letters.
  await createTraffic(of).sweep(1)
  await makeCheckpoints(of)
  await sweepAt('2026-03-10T12:00:00Z', of)
  await sweepAt('2026-04-30T23:59:00Z', of)
  await createTraffic(of).sweep(5)
  await makeCheckpoints(of)
  await of.close()
}, 60_000)
afterAll(() => old?.drop())

beforeEach(async () => {
  copy = await copyOf(old)
  owner = postgres(copy.ownerUrl, { max: 1, onnotice: () => {} })
  gateway = await testGateway(copy)
  folder = await mkdtemp(path.join(tmpdir(), 'archive-'))
})
afterEach(async () => {
  await Promise.all([owner.end(), gateway.close()])
  await copy.drop()
  await rm(folder, { recursive: true, force: true })
})

async function command(of: typeof archive, ...args: string[]): Promise<{ exitCode: number; lines: string[] }> {
  const lines: string[] = []
  const say = (line: string) => void lines.push(line)
  const env = { NODE_ENV: 'test', DATABASE_MIGRATION_URL: copy.ownerUrl }
  return { exitCode: await of(args, { env, out: say, err: say }), lines }
}

const make = (...months: string[]) => command(archive, 'make', ...months, '--to', folder)

async function verification(...args: string[]): Promise<Verification> {
  const { lines } = await command(events, 'verify', '--json', ...args)
  return JSON.parse(lines.at(-1) ?? '')
}

async function exported(): Promise<string> {
  const file = path.join(folder, 'log.jsonl')
  await writeFile(file, `${(await command(events, 'export')).lines.join('\n')}\n`)
  return file
}

/** Archives and exports are not signed: an attacker who has one can write another last line. */
function withEnd(lines: string[]): string {
  const body = `${lines.slice(0, -1).join('\n')}\n`
  const sha256 = createHash('sha256').update(body).digest('hex')
  return `${body}${JSON.stringify({ kind: 'end', lines: lines.length - 1, sha256, next_after: null })}\n`
}

/** An event that no one recorded, after all that the checkpoint covers. */
function unproven(line: string): string {
  const { inclusion: _, ...event } = JSON.parse(line)
  const { event_id, stream_type, event_type, schema_version, subject } = event
  const made = { ...event, position: '999999', stream_id: event_id, version: 1, previous_hash: '0'.repeat(64) }
  const fields = [made.position, event_id, stream_type, made.stream_id, made.version, event_type, schema_version]
  const rest = [subject ?? '-', made.transaction_id, made.recorded_at, made.data, made.metadata]
  const text = ['lanonasis-event-v1', ...fields, ...rest].join('\n')
  const hash = createHash('sha256').update(Buffer.from(made.previous_hash, 'hex')).update(text).digest('hex')
  return JSON.stringify({ ...made, hash })
}

const asSuperuser = async <T>(use: (sql: postgres.Sql) => Promise<T>): Promise<T> => {
  const superuser = postgres(copy.superuserUrl, { max: 1, onnotice: () => {} })
  await superuser`set session_replication_role = replica`
  await superuser`set search_path = auth_gateway`
  return use(superuser).finally(() => superuser.end())
}

type Outside = { ok: boolean; archived: number; events: number; included: number; faults: { fault: string }[] }

const verifyFiles = (...files: string[]) =>
  new Promise<Outside>((resolve) => {
    const args = ['scripts/verify-export.mjs', '--json', ...files]
    execFile(process.execPath, args, { maxBuffer: 2 ** 26 }, (_, out) => resolve(JSON.parse(out)))
  })

const archiveFile = (month = MONTH) => path.join(folder, `lanonasis-audit-${month}.jsonl.gz`)
const idsOf = (month: string) => owner`
  select auth_gateway.uuid_v7_floor(${`${month}-01`}::timestamp at time zone 'UTC') as low,
    auth_gateway.uuid_v7_floor((${`${month}-01`}::timestamp + interval '1 month') at time zone 'UTC') as high`

describe('an archived month', () => {
  test('leaves chains, audit tree and read models that hold, and nothing of its streams', async () => {
    const [before] = await owner`select count(*)::integer as events from auth_gateway.event_store_2026_03`
    const { exitCode, lines } = await make(MONTH)
    expect(lines).toEqual([expect.stringMatching(/^2026-03: \d+ events of \d+ streams in .*2026-03\.jsonl\.gz$/)])
    expect(exitCode).toBe(0)
    expect(await verification('--archives', folder)).toMatchObject({ ok: true, faults: [] })
    const rebuilt: Rebuilt[] = JSON.parse((await command(events, 'rebuild', '--json')).lines.join('\n'))
    expect(rebuilt.filter((one) => !isEqual(one))).toEqual([])

    const [row] = await owner`select * from auth_gateway.archives`
    const bytes = await readFile(archiveFile())
    expect(row).toMatchObject({
      events: before?.events,
      file: path.basename(archiveFile()),
      sha256: createHash('sha256').update(bytes).digest('hex'),
    })
    const [part] = await owner`select to_regclass('auth_gateway.event_store_2026_03') as name`
    expect(part?.name).toBeNull()
    const [ids] = await idsOf(MONTH)
    const text = gunzipSync(bytes).toString()
    const taken = new Set([...text.matchAll(/"stream_id":"([0-9a-f-]{36})"/g)].map(([, id]) => id))
    for (const [table, column] of [
      ['stream_heads', 'stream_id'],
      ['lookup_digests', 'stream_id'],
      ['event_secrets', 'stream_id'],
      ['subject_keys', 'subject'],
      ['sessions', 'id'],
      ['token_families', 'id'],
      ['messages', 'id'],
    ] as const) {
      const rows = await owner`
        select ${owner(column)} as id from auth_gateway.${owner(table)}
        where ${owner(column)} >= ${ids?.low} and ${owner(column)} < ${ids?.high}`
      expect(rows.filter(({ id }) => taken.has(id))).toEqual([])
    }
  })

  test('is a file that an outsider verifies alone and with the log, which has a line for each of its events', async () => {
    await make()
    expect((await readdir(folder)).sort()).toEqual([MONTH, NEXT].map((month) => path.basename(archiveFile(month))))
    const alone = await verifyFiles(archiveFile())
    expect(alone).toMatchObject({ ok: true, included: alone.events })
    const log = await exported()
    const taken = await owner`select sum(events)::integer as events from auth_gateway.archives`
    expect(await verifyFiles(log)).toMatchObject({ ok: true, whole: true, archived: taken[0]?.events })
    expect(await verifyFiles(log, archiveFile(MONTH), archiveFile(NEXT))).toMatchObject({ ok: true, whole: true })
  })

  test('does not stop checkpoints, and new ones cover its event', async () => {
    await make()
    await createTraffic(gateway).sweep(2)
    await makeCheckpoints(gateway)
    expect(await verification()).toMatchObject({ ok: true, faults: [] })
    expect(await verifyFiles(await exported())).toMatchObject({ ok: true, whole: true })
  })

  test('has no state that can be queried', async () => {
    const at = new Date('2026-03-15T00:00:00Z')
    await expect(stateAt(gateway, at)).resolves.toBeInstanceOf(Array)
    await make(MONTH)
    await expect(stateAt(gateway, at)).rejects.toMatchObject({ refusal: 'state_archived' })
    await expect(stateAt(gateway, new Date())).resolves.toBeInstanceOf(Array)
  })

  test('may be one without events', async () => {
    await owner`select auth_gateway.ensure_event_partitions('2026-05-01', 1)`
    expect((await make('2026-05')).exitCode).toBe(0)
    expect(await verification('--archives', folder)).toMatchObject({ ok: true, archives: 1 })
    expect(await verifyFiles(await exported(), archiveFile('2026-05'))).toMatchObject({ ok: true, whole: true })
  })

  test('ends when the last of its streams and of their descendants ended or expired', async () => {
    const march = { month: MONTH, partition: 'event_store_2026_03' }
    await owner`update auth_gateway.token_families set revoked_at = now(), expires_at = now() + interval '1 year'
      where id in (select stream_id from auth_gateway.event_store_2026_03)`
    expect((await endOf(owner, march)).getTime()).toBeLessThanOrEqual(Date.now())
    const [opened] = await owner`
      update auth_gateway.sessions set ended_at = null, expires_at = now(), opened_from = (
        select stream_id from auth_gateway.event_store_2026_03 limit 1)
      where id in (select stream_id from auth_gateway.event_store_2026_04) returning expires_at`
    expect(await endOf(owner, march)).toEqual(opened?.expires_at)
  })

  test('leaves tokens of its sessions unknown, and no client unused', async () => {
    const [family] = await owner`
      update auth_gateway.token_families f set revoked_at = now(), session_id = s.stream_id
      from auth_gateway.event_store_2026_03 s, auth_gateway.event_store_2026_04 e
      where s.stream_type = 'session' and f.kind = 'authorization' and f.id = e.stream_id returning f.id`
    await owner`update auth_gateway.api_clients set origin = 'dynamic', created_at = now() - interval '1 year'`
    await owner`update auth_gateway.token_families set started_at = now() - interval '100 days'`
    const unused = await listUnusedClients(gateway.reads, 1000)
    await make()
    expect(await findFamily(gateway.reads, gateway.personal, { familyId: family?.id })).toMatchObject({
      family: undefined,
    })
    await owner`update auth_gateway.token_families set revoked_at = now(), started_at = now() - interval '1 year'`
    expect(await listUnusedClients(gateway.reads, 1000)).toEqual(unused)
    await owner`update auth_gateway.archived_uses set last_used_at = now() - interval '200 days'`
    expect((await listUnusedClients(gateway.reads, 1000)).length).toBeGreaterThan(unused.length)
  })

  test('restarts no stream: notices to owners of keys that were not sent in a month are never sent', async () => {
    const [key] = await owner<{ id: string; notice_event: string }[]>`
      select id, notice_event from auth_gateway.api_keys where notice_event is not null limit 1`
    const isDue = async () =>
      (await listDueNotices(gateway.reads, gateway.personal, 1000)).some(({ id }) => id === key?.id)
    for (const [days, due] of [
      [29, true],
      [31, false],
    ] as const) {
      await owner`update auth_gateway.api_keys set notice_event = auth_gateway.uuid_v7_floor(now() - make_interval(days => ${days}))
        where id = ${key?.id ?? null}`
      expect(await isDue()).toBe(due)
    }
  })

  test('waits for readers of the whole log, and lets writers pass meanwhile', async () => {
    const reader = postgres(copy.ownerUrl, { max: 1 })
    const reading = await reader.reserve()
    await reading`begin`
    await reading`select from auth_gateway.event_store limit 1`
    const made = make(MONTH)
    for (let waits = false; !waits; )
      [{ waits } = { waits: false }] = await owner<{ waits: boolean }[]>`
        select exists (select from pg_stat_activity where wait_event_type = 'Lock' and query like 'alter table%') as waits`
    await createTraffic(gateway).sweep(1)
    await reading`rollback`
    reading.release()
    await reader.end()
    expect((await made).exitCode).toBe(0)
  }, 30_000)

  test('is listed as archived, and its successor as one that can be archived', async () => {
    await make(MONTH)
    const { lines } = await command(archive, 'list')
    expect(lines.join('\n')).toMatch(/2026-03 .*archived .*2026-03\.jsonl\.gz\n2026-04 .*can be archived/)
    expect(await make(MONTH)).toEqual({ exitCode: 1, lines: [expect.stringContaining('There is no month 2026-03')] })
  })
})

describe('a month is not archived', () => {
  const unchanged = async (obstacle: string, ...months: string[]) => {
    const { exitCode, lines } = await make(...months)
    expect({ exitCode, lines }).toEqual({ exitCode: 1, lines: [expect.stringContaining(obstacle)] })
    expect(await owner`select 1 from auth_gateway.archives`).toHaveLength(0)
    expect(await readdir(folder)).toEqual([])
  }

  test('while it is young', async () => {
    await unchanged('30 days must pass', new Date().toISOString().slice(0, 7))
  })

  test.each([
    [
      'sessions',
      `update auth_gateway.sessions set ended_at = null, expires_at = now() + interval '1 hour' where id in (select stream_id from auth_gateway.event_store_2026_03)`,
    ],
    [
      'tokens',
      `update auth_gateway.token_families set revoked_at = null, expires_at = now() + interval '1 hour' where id in (select stream_id from auth_gateway.event_store_2026_03)`,
    ],
    [
      'sessions',
      `update auth_gateway.sessions set ended_at = null, expires_at = now() + interval '1 hour', opened_from = (select stream_id from auth_gateway.event_store_2026_03 limit 1) where id in (select stream_id from auth_gateway.event_store_2026_04)`,
    ],
    [
      'tokens',
      `update auth_gateway.token_families set revoked_at = null, expires_at = now() + interval '1 hour', ancestors = array(select stream_id from auth_gateway.event_store_2026_03 limit 1) where id in (select stream_id from auth_gateway.event_store_2026_04)`,
    ],
  ])('while %s stand (%#)', async (what, statement) => {
    expect((await owner.unsafe(statement)).count).toBeGreaterThan(0)
    await unchanged(`${what} that began in it`, MONTH)
  })

  test('while the audit tree does not have all of it', async () => {
    await sweepAt('2026-03-20T12:00:00Z', gateway)
    await unchanged('in no checkpoint yet', MONTH)
    await makeCheckpoints(gateway)
    expect((await make(MONTH)).exitCode).toBe(0)
  })

  test('when another file has its name, which is unchanged', async () => {
    await writeFile(archiveFile(), 'of another log')
    expect(await make(MONTH)).toEqual({ exitCode: 1, lines: [expect.stringContaining('already exists')] })
    expect(await readdir(folder)).toEqual([path.basename(archiveFile())])
    expect(await readFile(archiveFile(), 'utf8')).toBe('of another log')
  })

  test('by the second of two operators who archive it at once', async () => {
    const both = await Promise.all([make(MONTH), make(MONTH)])
    expect(both.map(({ exitCode }) => exitCode).sort()).toEqual([0, 1])
    expect(await readdir(folder)).toEqual([path.basename(archiveFile())])
    expect(await verification('--archives', folder)).toMatchObject({ ok: true, archives: 1 })
  }, 30_000)

  test('when its events do not verify', async () => {
    await asSuperuser((sql) => sql`update event_store_2026_03 set data = data || '{"by": "nobody"}' where version = 2`)
    await unchanged('does not verify', MONTH)
  })

  test('when another session locks it too long, and nothing of it is lost', async () => {
    const hold = await owner.reserve()
    await hold`begin`
    await hold`lock table auth_gateway.event_store_2026_03 in row exclusive mode`
    const { exitCode } = await make(MONTH)
    await hold`rollback`
    hold.release()
    expect(exitCode).toBe(1)
    expect(await verification()).toMatchObject({ ok: true })
    expect((await make(MONTH)).exitCode).toBe(0)
  }, 30_000)
})

describe('verify finds', () => {
  beforeEach(async () => void (await make()))

  const faultsAfter = async (statement: string): Promise<string[]> => {
    expect((await asSuperuser((sql) => sql.unsafe(statement))).count).toBeGreaterThan(0)
    return (await verification('--archives', folder)).faults.map(({ fault }) => fault)
  }

  test('an event that was deleted and marked as archived', async () => {
    const cut =
      'select position from event_store where position <= (select position from audit_tree) order by position desc limit 1'
    const found = await faultsAfter(`with cut as (delete from event_store where position = (${cut}) returning position),
      at as (select t.index, array_position(t.positions, cut.position) - 1 as n from audit_tiles t, cut
        where t.level = 0 and cut.position = any (t.positions))
      insert into archived_leaves as l select at.index, a.id, set_bit(repeat('0', 256)::bit(256), at.n, 1) from at, archives a
      on conflict (tile, archive_id) do update set bits = l.bits | excluded.bits`)
    expect(found).toContain('archive_differs')
  })

  test('an archived event whose mark was deleted', async () => {
    const found = await faultsAfter('delete from archived_leaves where archive_id = (select id from archives limit 1)')
    expect(found).toEqual(['event_cut_off', 'archive_differs'])
  })

  test('archived events of an archive without an event', async () => {
    expect(await faultsAfter('update archived_leaves set archive_id = gen_random_uuid()')).toEqual(['archive_differs'])
  })

  test('a file whose event was forged too', async () => {
    const other = gzipSync('nothing')
    await writeFile(archiveFile(), other)
    const sha256 = createHash('sha256').update(other).digest('hex')
    const found = await faultsAfter(
      `update event_store set data = jsonb_set(data, '{sha256}', '"${sha256}"') where data->>'month' = '${MONTH}'`,
    )
    expect(found).toContain('archive_file_differs')
  })

  test('a file that was changed or deleted', async () => {
    await writeFile(archiveFile(MONTH), 'nothing')
    await rm(archiveFile(NEXT))
    const found = (await verification('--archives', folder)).faults.map(({ fault }) => fault)
    expect(found).toEqual(['archive_missing', 'archive_file_differs'])
  })

  test('outside too: an event of the file that was changed, and the file itself', async () => {
    const lines = gunzipSync(await readFile(archiveFile()))
      .toString()
      .trimEnd()
      .split('\n')
    const changed = lines.map((line, n) => (n === 5 ? line.replace('"version":', '"version": ') : line))
    await writeFile(archiveFile(), gzipSync(`${changed.join('\n')}\n`))
    const log = await exported()
    expect((await verifyFiles(log, archiveFile())).faults.map(({ fault }) => fault)).toEqual([
      'the file is not what was exported',
      'the archive is not the one that the log knows',
    ])
    await writeFile(archiveFile(), (await readFile(archiveFile())).subarray(0, 2000))
    expect((await verifyFiles(archiveFile())).ok).toBe(false)
  })

  test.each<[string, (lines: string[]) => string[]]>([
    [
      'the event has no proof of being in the log',
      (lines) => [...lines.slice(0, -1), unproven(lines.at(-2) ?? ''), lines.at(-1) ?? ''],
    ],
    ['the line does not belong in the archive', ([header = '', ...lines]) => [header.replace(MONTH, NEXT), ...lines]],
    [
      'the line does not belong in the archive',
      (lines) => [
        ...lines.slice(0, -1),
        JSON.stringify({ kind: 'archived', position: '999999', archive: 'x', leaf: '00' }),
        lines.at(-1) ?? '',
      ],
    ],
    ['the file has two headers', ([header = '', ...lines]) => [header, header, ...lines]],
  ])('outside too, in an archive alone: %s', async (fault, change) => {
    const lines = gunzipSync(await readFile(archiveFile()))
      .toString()
      .trimEnd()
      .split('\n')
    await writeFile(archiveFile(), gzipSync(withEnd(change(lines))))
    const { faults } = await verifyFiles(archiveFile())
    expect([...new Set(faults.map((one) => one.fault))]).toEqual([fault])
  })

  test('outside too: a file that is not there', async () => {
    expect(await verifyFiles(archiveFile('2020-01'))).toMatchObject({ ok: false })
  })

  test('outside too: an event of the log that was marked as archived', async () => {
    const log = await exported()
    const lines = (await readFile(log, 'utf8')).trimEnd().split('\n')
    const n = lines.findLastIndex((line) => line.startsWith('{"kind":"event"') && !line.includes('EventsArchived'))
    const { position, hash } = JSON.parse(lines[n] ?? '')
    const [one] = await owner`select id from auth_gateway.archives`
    const leaf = createHash('sha256').update('\0').update(Buffer.from(hash, 'hex')).digest('hex')
    lines[n] = JSON.stringify({ kind: 'archived', position, archive: one?.id, leaf })
    await writeFile(log, withEnd(lines))
    expect((await verifyFiles(log)).faults.map(({ fault }) => fault)).toContain(
      'the archived events are not those of the archive',
    )
  })
})

test('2: wrong usage', async () => {
  expect((await command(archive, 'make')).exitCode).toBe(2)
  expect((await command(archive, 'make', '--to', path.join(folder, 'nowhere'))).lines).toEqual([
    expect.stringContaining('is not a folder'),
  ])
  expect((await command(events, 'verify', '--archives', path.join(folder, 'nowhere'))).lines).toContainEqual(
    expect.stringContaining('is not a folder'),
  )
  expect((await command(archive, 'take', MONTH)).exitCode).toBe(2)
  expect(await make('2019-01')).toEqual({ exitCode: 1, lines: [expect.stringContaining('There is no month 2019-01')] })
})
