import { rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import postgres from 'postgres'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { events } from '../../scripts/events.ts'
import { onServer } from '../../scripts/lib/gateway-database.ts'
import type { Rebuilt } from '../../scripts/lib/rebuild-models.ts'
import type { Verification } from '../../scripts/lib/verify-events.ts'
import { makeCheckpoints } from '../../shared/audit/checkpoints.ts'
import { createKeyRing, firstKeys } from '../../shared/tokens/key-ring.ts'
import { createNoteSigner } from '../../shared/tokens/note.ts'
import { createTraffic, testGateway } from '../projections/traffic.ts'
import { copyOf, createTestDatabase, type TestDatabase } from '../support/database.ts'

let sound: TestDatabase
let superuser: postgres.Sql
let copy: TestDatabase

beforeAll(async () => {
  sound = await createTestDatabase()
  const gateway = await testGateway(sound)
  const traffic = createTraffic(gateway)
  await traffic.sweep(12)
  await makeCheckpoints(gateway)
  await onServer(sound.superuserUrl, (sql) => sql`select nextval('auth_gateway.event_position')`)
  await traffic.sweep(2)
  await makeCheckpoints(gateway)
  await gateway.close()
})

afterAll(() => sound?.drop())

beforeEach(async () => {
  copy = await copyOf(sound)
  superuser = postgres(copy.superuserUrl, { max: 1, onnotice: () => {} })
})

afterEach(async () => {
  await superuser.end()
  await copy.drop()
})

async function command<T>(...args: string[]): Promise<{ exitCode: number; answer: T }> {
  const lines: string[] = []
  const terminal = {
    env: { DATABASE_MIGRATION_URL: copy.ownerUrl },
    out: (line: string) => void lines.push(line),
    err: (line: string) => void lines.push(line),
  }
  const exitCode = await events([...args, '--json'], terminal)
  return { exitCode, answer: JSON.parse(lines.join('\n')) }
}

/** Changes what no role may change: triggers do not fire in this transaction. */
async function tamper(statement: string): Promise<void> {
  const changed = await superuser.begin(async (sql) => {
    await sql`set local session_replication_role = replica`
    await sql`set local search_path = auth_gateway`
    const { count: rows } = await sql.unsafe(statement)
    return rows
  })
  expect(changed).not.toBe(0)
}

type Event = { position: number; stream_type: string; stream_id: string; version: number; type: string }

/** An event in the middle of a chain of three or more. */
async function victim(where = "stream_type = 'otp_challenge' and version = 2"): Promise<Event> {
  const [row] = await superuser.unsafe(`
    select e.position::int, e.stream_type, e.stream_id, e.version, e.event_type as type from auth_gateway.event_store e
    join auth_gateway.stream_heads h using (stream_type, stream_id) where h.version >= 3 and (${where.replaceAll(/\b(stream_type|version)\b/g, 'e.$1')})
    order by e.position limit 1`)
  return row as unknown as Event
}

const streamOf = ({ stream_type, stream_id }: Event) => `stream_type = '${stream_type}' and stream_id = '${stream_id}'`
const at = (event: Event) => `${streamOf(event)} and version = ${event.version}`

async function faults(): Promise<Record<string, object>> {
  const { exitCode, answer } = await command<Verification>('verify')
  expect(exitCode).toBe(answer.ok ? 0 : 1)
  return Object.fromEntries(answer.faults.map(({ fault, first }) => [fault, first]))
}

test('0: an unchanged store verifies and rebuilds', async () => {
  expect(await faults()).toEqual({})
  const { exitCode, answer } = await command<Rebuilt[]>('rebuild')
  expect(exitCode).toBe(0)
  expect(answer.every(({ onlyLive, onlyRebuilt }) => onlyLive.length + onlyRebuilt.length === 0)).toBe(true)
})

test('the application role may verify, but not rebuild', async () => {
  const lines: string[] = []
  const env = { DATABASE_URL: copy.appUrl }
  const terminal = { env, out: (line: string) => void lines.push(line), err: (line: string) => void lines.push(line) }
  expect(await events(['verify'], terminal)).toBe(0)
  expect(lines.at(-1)).toMatch(/^\d+ events in \d+ streams: every chain holds$/)
  expect(await events(['rebuild', 'identities'], terminal)).toBe(1)
  expect(lines.at(-1)).toContain('FAILED: permission denied for table identities')
  expect(await events(['rebuild', 'nonsense'], terminal)).toBe(1)
  expect(lines.at(-1)).toBe('There is no read model nonsense')
})

test('1: names the first event of each kind in words', async () => {
  const event = await victim()
  await tamper(`update event_store set data = data || '{"by": "nobody"}' where ${streamOf(event)}`)
  const lines: string[] = []
  const env = { DATABASE_URL: copy.ownerUrl }
  const terminal = { env, out: (line: string) => void lines.push(line), err: (line: string) => void lines.push(line) }
  expect(await events(['verify'], terminal)).toBe(1)
  expect(lines.join('\n')).toMatch(
    new RegExp(
      `^wrong_hash \\(\\d+\\): the event is not what was hashed when it was appended\n` +
        `  first: otp_challenge ${event.stream_id} position \\d+, version 1, OtpChallengeIssued\n` +
        `\\d+ events in \\d+ streams: BROKEN$`,
    ),
  )
})

describe('verify names the event whose', () => {
  test.each([
    ['data changed', `data = data || '{"by": "nobody"}'`],
    ['metadata changed', `metadata = metadata || '{"actor": "nobody"}'`],
    ['type changed', `event_type = 'OtpAttemptFailed' || '2'`],
    ['time changed', `recorded_at = recorded_at - interval '1 microsecond'`],
    ['subject changed', 'subject = gen_random_uuid()'],
    ['id changed', 'event_id = gen_random_uuid()'],
    ['transaction changed', `transaction_id = '1'`],
    ['schema version changed', 'schema_version = 2'],
    ['position changed', 'position = position + 1000000'],
  ])('%s', async (_, change) => {
    const event = await victim()
    await tamper(`update event_store set ${change} where ${at(event)}`)
    const first = (await faults()).wrong_hash
    expect(first).toMatchObject({ stream_type: event.stream_type, stream_id: event.stream_id, version: event.version })
  })

  test('hash was made to fit the change', async () => {
    const event = await victim()
    await tamper(`update event_store set data = data || '{"by": "nobody"}' where ${at(event)}`)
    await tamper(`update event_store e set hash = event_hash(e) where ${at(event)}`)
    const found = await faults()
    expect(Object.keys(found)).toEqual(['broken_link', 'leaf_differs'])
    expect(found.broken_link).toMatchObject({ stream_id: event.stream_id, version: event.version + 1 })
  })

  test('successors were all hashed again, by the head', async () => {
    const event = await victim()
    const { length } = await superuser.unsafe(`select 1 from auth_gateway.event_store where ${streamOf(event)}`)
    await tamper(`update event_store set data = data || '{"by": "nobody"}' where ${at(event)}`)
    await tamper(`update event_store e set hash = event_hash(e) where ${at(event)}`)
    for (let version = event.version + 1; version <= length; version++) {
      const one = at({ ...event, version })
      const before = `(select hash from event_store p where ${at({ ...event, version: version - 1 })})`
      await tamper(`update event_store set previous_hash = ${before} where ${one}`)
      await tamper(`update event_store e set hash = event_hash(e) where ${one}`)
    }
    const found = await faults()
    expect(Object.keys(found)).toEqual(['head_differs', 'leaf_differs'])
    expect(found.head_differs).toMatchObject({ stream_id: event.stream_id, version: length })
  })

  test('version was moved', async () => {
    const event = await victim()
    await tamper(`update event_store set version = 99 where ${at(event)}`)
    const found = await faults()
    expect(found.version_gap).toMatchObject({ stream_id: event.stream_id, version: 99, position: event.position })
    expect(found.wrong_hash).toMatchObject({ stream_id: event.stream_id, version: 99 })
    expect(found.head_differs).toMatchObject({ stream_id: event.stream_id, version: 99 })
  })

  test('position was given to another one too', async () => {
    const event = await victim()
    await tamper(`update event_store set position = 1 where ${at(event)}`)
    const found = await faults()
    expect(found.duplicate_position).toMatchObject({ position: 1 })
    expect(found.position_order).toMatchObject({ stream_id: event.stream_id, version: event.version, position: 1 })
  })

  test('stream is not the one before: its first hash is not zero', async () => {
    const event = await victim()
    await tamper(`update event_store set previous_hash = sha256('x') where ${at({ ...event, version: 1 })}`)
    expect((await faults()).first_previous_hash).toMatchObject({ stream_id: event.stream_id, version: 1 })
  })
})

describe('verify names what is missing:', () => {
  test('an event in the middle', async () => {
    const event = await victim()
    await tamper(`delete from event_store where ${at(event)}`)
    expect((await faults()).version_gap).toMatchObject({ stream_id: event.stream_id, version: event.version + 1 })
  })

  test('the first event', async () => {
    const event = await victim()
    await tamper(`delete from event_store where ${at({ ...event, version: 1 })}`)
    expect((await faults()).version_gap).toMatchObject({ stream_id: event.stream_id, version: 2 })
  })

  test('the tail', async () => {
    const event = await victim()
    await tamper(`delete from event_store where ${streamOf(event)} and version > 1`)
    expect((await faults()).tail_missing).toMatchObject({ stream_id: event.stream_id, version: 1 })
  })

  test('the tail, the head turned back with it, by its read model', async () => {
    const event = await victim()
    await tamper(`delete from event_store where ${streamOf(event)} and version > 1`)
    await tamper(`update stream_heads h set version = 1, hash = (
      select e.hash from event_store e where e.stream_type = h.stream_type and e.stream_id = h.stream_id) where ${streamOf(event)}`)
    const found = await faults()
    expect(Object.keys(found)).toEqual(['cause_missing', 'event_cut_off', 'row_version'])
    expect(found.row_version).toMatchObject({ table: 'otp_challenges', stream_id: event.stream_id })
  })

  test('all events of a stream', async () => {
    const event = await victim()
    await tamper(`delete from event_store where ${streamOf(event)}`)
    expect((await faults()).stream_missing).toMatchObject({
      stream_type: event.stream_type,
      stream_id: event.stream_id,
    })
  })

  test('a stream with its head, by what belonged to it', async () => {
    const event = await victim()
    await tamper(`delete from event_store where ${streamOf(event)}`)
    await tamper(`delete from stream_heads where ${streamOf(event)}`)
    const found = await faults()
    expect(found.row_orphaned).toMatchObject({ table: 'otp_challenges', stream_id: event.stream_id })
    expect(found.digest_orphaned).toMatchObject({ table: 'lookup_digests', stream_id: event.stream_id })
  })

  test('a stream that left no other trace, by the event that followed from it', async () => {
    const event = await victim("stream_type = 'session' or version = 1 and stream_type = 'otp_challenge'")
    await tamper(`delete from event_store where stream_type = 'identity'`)
    await tamper(`delete from stream_heads where stream_type = 'identity'`)
    await tamper(`delete from identities`)
    await tamper(`delete from lookup_digests where stream_type = 'identity'`)
    await tamper(`delete from subject_keys where subject not in (select stream_id from stream_heads)`)
    expect(event).toBeDefined()
    expect(Object.keys(await faults())).toEqual(['cause_missing', 'event_cut_off'])
  })

  test('the head', async () => {
    const event = await victim()
    await tamper(`delete from stream_heads where ${streamOf(event)}`)
    expect((await faults()).head_missing).toMatchObject({ stream_id: event.stream_id })
  })

  test('the event of a sealed secret', async () => {
    await tamper(`update event_secrets set event_id = gen_random_uuid() where name = 'private_jwk'`)
    expect((await faults()).secret_orphaned).toMatchObject({ table: 'event_secrets', stream_type: 'private_jwk' })
  })
})

describe('verify names what was put in another place:', () => {
  test('two events that changed places', async () => {
    const event = await victim()
    await tamper(`update event_store set version = 1000 where ${at(event)}`)
    await tamper(
      `update event_store set version = ${event.version} where ${at({ ...event, version: event.version + 1 })}`,
    )
    await tamper(`update event_store set version = ${event.version + 1} where ${at({ ...event, version: 1000 })}`)
    const found = await faults()
    expect(found.wrong_hash).toMatchObject({ stream_id: event.stream_id })
    expect(found.position_order).toMatchObject({ stream_id: event.stream_id, version: event.version + 1 })
    expect(found.broken_link).toMatchObject({ stream_id: event.stream_id })
  })

  test('a forged event at the end of a stream', async () => {
    const event = await victim()
    await tamper(`insert into event_store
      select nextval('event_position'), gen_random_uuid(), stream_type, stream_id, version + 1, 'OtpChallengeConsumed', 1, subject,
        '{"uai": "forged"}', '{}', transaction_id, recorded_at, hash, sha256(hash)
      from event_store where ${streamOf(event)} order by version desc limit 1`)
    const found = await faults()
    expect(found.wrong_hash).toMatchObject({ stream_id: event.stream_id, type: 'OtpChallengeConsumed' })
    expect(found.head_differs).toMatchObject({ stream_id: event.stream_id, type: 'OtpChallengeConsumed' })
  })

  test('a forged event with the right hash', async () => {
    const event = await victim()
    await tamper(`insert into event_store
      select nextval('event_position'), gen_random_uuid(), stream_type, stream_id, version + 1, 'OtpChallengeConsumed', 1, subject,
        '{"uai": "forged"}', '{}', transaction_id, recorded_at, hash, sha256('')
      from event_store where ${streamOf(event)} order by version desc limit 1`)
    await tamper(`update event_store e set hash = event_hash(e) where data = '{"uai": "forged"}'`)
    const found = await faults()
    expect(Object.keys(found)).toEqual(['head_differs'])
    expect(found.head_differs).toMatchObject({ stream_id: event.stream_id, type: 'OtpChallengeConsumed' })
  })

  test('a copy of an event under its own id', async () => {
    const event = await victim()
    await tamper(`insert into event_store
      select nextval('event_position'), event_id, stream_type, stream_id, 50, event_type, 1, subject, data, metadata, transaction_id,
        recorded_at, previous_hash, hash
      from event_store where ${at(event)}`)
    expect((await faults()).duplicate_event_id).toMatchObject({ stream_id: event.stream_id })
  })

  test('a look-up digest that leads to another person', async () => {
    const event = await victim()
    await tamper(`update lookup_digests set subject = gen_random_uuid() where stream_id = '${event.stream_id}'`)
    expect((await faults()).digest_misplaced).toMatchObject({ table: 'lookup_digests', stream_id: event.stream_id })
  })
})

describe('verify names erasable data of an event when', () => {
  test.each([
    [
      'a digest was changed',
      `update lookup_digests set digest = sha256('another') where kind = 'email'`,
      'digest_differs',
    ],
    [
      'a digest was added',
      `insert into lookup_digests select event_id, stream_type, stream_id, subject, 'another', salt, digest
      from lookup_digests limit 1`,
      'digest_differs',
    ],
    ['a digest was taken away', `delete from lookup_digests where kind = 'email'`, 'digest_missing'],
    [
      'a sealed secret was changed',
      `update event_secrets set sealed = sha256('another') where name = 'private_jwk'`,
      'secret_differs',
    ],
    [
      'a sealed secret was to vanish earlier',
      `update event_secrets set expires_at = now() where name = 'private_jwk'`,
      'secret_differs',
    ],
    ['a sealed secret was taken away', `delete from event_secrets where name = 'private_jwk'`, 'secret_missing'],
    ['a data key was changed', `update subject_keys set wrapped_key = sha256('another')`, 'key_differs'],
    [
      'the data keys of two people changed places',
      `update subject_keys k set wrapped_key = o.wrapped_key from subject_keys o
      where k.subject = (select min(uai::text)::uuid from identities) and o.subject = (select max(uai::text)::uuid from identities)`,
      'key_differs',
    ],
    [
      'the data key of a living person is gone',
      `delete from subject_keys where subject in (select uai from identities where status = 'active')`,
      'key_missing',
    ],
    ['a data key came from nowhere', `insert into subject_keys values (gen_random_uuid(), 'x')`, 'key_orphaned'],
  ])('%s', async (_, change, fault) => {
    await tamper(change)
    expect(Object.keys(await faults())).toContain(fault)
  })
})

/** Forges a stream with everything that belongs to it, so that only signed checkpoints reveal it. */
async function forge(change: string): Promise<void> {
  await tamper(change)
  await superuser.unsafe(`
    do $$
    declare
      r auth_gateway.event_store;
      p bytea;
      h bytea;
    begin
      set local session_replication_role = replica;
      for r in select * from auth_gateway.event_store order by stream_type, stream_id, version loop
        p := case when r.version = 1 then decode(repeat('00', 32), 'hex') else h end;
        r.previous_hash := p;
        h := auth_gateway.event_hash(r);
        if h <> r.hash then
          update auth_gateway.event_store set previous_hash = p, hash = h
          where (stream_type, stream_id, version) = (r.stream_type, r.stream_id, r.version);
          update auth_gateway.stream_heads set hash = h where (stream_type, stream_id) = (r.stream_type, r.stream_id);
        end if;
      end loop;
    end $$`)
}

const CUT_OFF = `
  delete from event_store where position > (select max(position) from audit_checkpoints where size < (select size from audit_tree));
  delete from stream_heads h where not exists (select 1 from event_store e where (e.stream_type, e.stream_id) = (h.stream_type, h.stream_id));
  update stream_heads h set version = e.version, hash = e.hash from (
    select distinct on (stream_type, stream_id) * from event_store order by stream_type, stream_id, version desc) e
  where (e.stream_type, e.stream_id) = (h.stream_type, h.stream_id);
  delete from lookup_digests d where not exists (select 1 from event_store e where e.event_id = d.event_id);
  delete from event_secrets s where not exists (select 1 from event_store e where e.event_id = s.event_id);
  delete from subject_keys k where not exists (select 1 from event_store e where e.stream_id = k.subject)`

describe('verify names by the signed checkpoints', () => {
  test('an event whose whole stream was hashed again', async () => {
    await forge(
      `update event_store set data = data || '{"role": "platform_admin"}' where event_type = 'IdentityCreated'`,
    )
    const found = await faults()
    expect(Object.keys(found)).toEqual(['leaf_differs'])
    expect(found.leaf_differs).toMatchObject({ stream_type: 'identity', version: 1 })
  })

  test('the same, with the tree rebuilt without the key', async () => {
    await forge(
      `update event_store set data = data || '{"role": "platform_admin"}' where event_type = 'IdentityCreated'`,
    )
    const forger = await testGateway(copy)
    await tamper(`delete from audit_tiles; delete from audit_checkpoints; update audit_tree set size = 0, position = 0`)
    const stolen = { ...forger, ring: createKeyRing(firstKeys(), () => new Date()) }
    expect(await makeCheckpoints(stolen)).toBeGreaterThan(0)
    await forger.close()
    expect(Object.keys(await faults())).toEqual(['checkpoint_unsigned'])
  })

  test('two events that changed places in the log', async () => {
    await forge(`update event_store e set position = o.position from event_store o
      where e.stream_type = 'identity' and o.stream_type = 'identity' and e.stream_id <> o.stream_id and e.version = 1 and o.version = 1
        and e.position in (select position from event_store where stream_type = 'identity' and version = 1 order by 1 limit 2)
        and o.position in (select position from event_store where stream_type = 'identity' and version = 1 order by 1 limit 2)`)
    expect(Object.keys(await faults())).toContain('leaf_differs')
  })

  test('an event that was slipped in where a position was left out', async () => {
    await tamper(`insert into event_store select (select min(g) from generate_series(2, 100000) g where not exists (
        select 1 from event_store o where o.position = g)), gen_random_uuid(), 'protected_resource', gen_random_uuid(), 1,
        'ProtectedResourceAdded', 1, null, data, '{}', transaction_id, recorded_at, decode(repeat('00', 32), 'hex'), hash
      from event_store where event_type like 'ProtectedResource%' limit 1`)
    expect(Object.keys(await faults())).toContain('event_slipped_in')
  })

  test.each([
    [
      'a tile that was changed',
      `update audit_tiles set hashes = sha256('x') || substring(hashes from 33) where level = 0 and index = 0`,
      'leaf_differs',
    ],
    ['a tile above that was changed', `update audit_tiles set hashes = sha256('x') where level = 1`, 'tile_differs'],
    ['a tile that is gone', 'delete from audit_tiles where level = 1', 'tile_missing'],
    [
      'leaves that changed places',
      `update audit_tiles set positions = array[positions[2], positions[1]] || positions[3:] where index = 0 and level = 0`,
      'leaf_differs',
    ],
    ['a checkpoint with another root', `update audit_checkpoints set root = sha256('x')`, 'checkpoint_differs'],
    [
      'a checkpoint with another note',
      `update audit_checkpoints set note = replace(note, 'position ', 'position 1')`,
      'checkpoint_unsigned',
    ],
    [
      'two checkpoints that changed places',
      `update audit_checkpoints a set note = b.note from audit_checkpoints b where a.size <> b.size`,
      'checkpoint_unsigned',
    ],
    [
      'a checkpoint that is gone',
      'delete from audit_checkpoints where size = (select max(size) from audit_checkpoints)',
      'checkpoint_missing',
    ],
    ['a tree that says it is smaller', 'update audit_tree set size = size - 1', 'tree_size'],
  ])('%s', async (_, change, fault) => {
    await tamper(change)
    expect(Object.keys(await faults())).toContain(fault)
  })

  test('the newest events, deleted with everything that belonged to them and their checkpoint, by one kept outside', async () => {
    const [newest] = await superuser<
      { note: string }[]
    >`select note from auth_gateway.audit_checkpoints order by size desc limit 1`
    const file = path.join(tmpdir(), `${copy.name}.note`)
    await writeFile(file, newest?.note ?? '')
    await tamper(CUT_OFF)
    await tamper(`delete from audit_checkpoints where size = (select max(size) from audit_checkpoints)`)
    const { position, size } = (await superuser`select position, size from auth_gateway.audit_checkpoints`)[0] ?? {}
    await tamper(`delete from audit_tiles; delete from audit_checkpoints; update audit_tree set size = 0, position = 0`)
    const forger = await testGateway(copy)
    await makeCheckpoints(forger)
    await forger.close()
    expect((await superuser`select position, size from auth_gateway.audit_checkpoints`)[0]).toEqual({ position, size })
    await superuser.unsafe('set session_replication_role = origin')
    expect((await command('rebuild')).exitCode).toBe(1)
    expect(await faults()).toEqual({})
    const { exitCode, answer } = await command<Verification>('verify', '--checkpoint', file)
    await rm(file)
    expect([exitCode, answer.faults.map(({ fault }) => fault)]).toEqual([1, ['log_cut_off']])
  })

  test('nothing with another key, and refuses an invalid one', async () => {
    const { verifierKey } = createNoteSigner('localhost:4000/audit', Buffer.alloc(32, 9))
    expect((await command<Verification>('verify', '--key', verifierKey)).answer.faults[0]?.fault).toBe(
      'checkpoint_unsigned',
    )
  })
})

test('the gateway signs no tree that was changed after it was signed', async () => {
  await tamper(`update audit_tiles set hashes = sha256('x') || substring(hashes from 33) where level = 1`)
  await superuser.unsafe('set session_replication_role = origin')
  const gateway = await testGateway(copy)
  await createTraffic(gateway).sweep(1)
  await expect(makeCheckpoints(gateway)).rejects.toThrow('the audit tree does not match its checkpoint')
  await gateway.close()
})

describe('rebuild reports and fixes, and reports no more afterwards,', () => {
  test.each([
    [
      'a changed row',
      'identities',
      `update identities set role = 'admin' where uai = (select min(uai::text)::uuid from identities)`,
      1,
      1,
    ],
    [
      'an inserted row',
      'credentials',
      `insert into credentials select gen_random_uuid(), uai, kind, null, sha256('x'), address, true, '{}', now() from credentials limit 1`,
      1,
      0,
    ],
    ['a deleted row', 'sessions', 'delete from sessions where id = (select min(id::text)::uuid from sessions)', 0, 1],
    [
      'a row that was there twice',
      'otp_challenges',
      'alter table otp_challenges drop constraint otp_challenges_pkey; insert into otp_challenges select * from otp_challenges limit 1',
      1,
      0,
    ],
  ])('%s', async (_, model, change, onlyLive, onlyRebuilt) => {
    await tamper(change)
    const { exitCode, answer } = await command<Rebuilt[]>('rebuild')
    expect(exitCode).toBe(1)
    const differing = answer.filter((one) => one.onlyLive.length + one.onlyRebuilt.length > 0)
    expect(differing.map((one) => [one.model, one.onlyLive.length, one.onlyRebuilt.length])).toEqual([
      [model, onlyLive, onlyRebuilt],
    ])
    expect((await command('rebuild')).exitCode).toBe(0)
  })

  test('the digest by which a person is found', async () => {
    const change = `update lookup_digests set digest = sha256('another') where kind = 'email' and event_id = (
      select min(event_id::text)::uuid from lookup_digests where kind = 'email')`
    await tamper(change)
    const { exitCode, answer } = await command<Rebuilt[]>('rebuild', 'credentials')
    expect(exitCode).toBe(1)
    expect(answer).toMatchObject([{ model: 'credentials', onlyLive: [{}], onlyRebuilt: [{}] }])
  })
})

test('rebuild leaves a read model unchanged and reports why when an event cannot be projected', async () => {
  const event = await victim()
  await tamper(`update event_store set event_type = 'Nonsense' where ${at(event)}`)
  const before = await superuser`select count(*) from auth_gateway.otp_challenges`
  const { exitCode, answer } = await command<Rebuilt[]>('rebuild', 'otp_challenges')
  expect(exitCode).toBe(1)
  expect(answer).toMatchObject([{ model: 'otp_challenges', failure: 'case not found' }])
  expect(await superuser`select count(*) from auth_gateway.otp_challenges`).toEqual(before)
})
