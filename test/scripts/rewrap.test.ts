import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { doctor } from '../../scripts/doctor.ts'
import { events } from '../../scripts/events.ts'
import { keys } from '../../scripts/keys.ts'
import type { Checked } from '../../scripts/lib/doctor/check.ts'
import { onServer } from '../../scripts/lib/gateway-database.ts'
import { listSealed, sealedTables } from '../../scripts/lib/sealed-values.ts'
import { readArchive } from '../../scripts/lib/verify-archives.ts'
import type { Verification } from '../../scripts/lib/verify-events.ts'
import { createCall } from '../../shared/call.ts'
import { loadConfig } from '../../shared/config.ts'
import { createGateway, type Gateway, openGateway } from '../../shared/gateway.ts'
import { erasePerson } from '../../shared/people/erasure.ts'
import { openStoredRing } from '../../shared/start.ts'
import { createKeyRing, type KeyRing } from '../../shared/tokens/key-ring.ts'
import { configuredRoots, type StoredRing } from '../../shared/tokens/roots.ts'
import { createTraffic } from '../projections/traffic.ts'
import { copyOf, createTestDatabase, type TestDatabase } from '../support/database.ts'
import { call } from './terminal.ts'

const secret = () => randomBytes(32).toString('base64')
const [older, newer, audit] = [secret(), secret(), secret()]
const AT_ONCE = ['--known', '0', '--overlap', '0']

/** The database before the leak, and its key ring, opened: all that the old root and a dump give. */
let sound: TestDatabase
let leaked: KeyRing
let database: TestDatabase

const settings = (one: TestDatabase, root: string) => ({
  ...{ NODE_ENV: 'test', DATABASE_URL: one.appUrl, AUTH_MASTER_SECRET: root, AUDIT_SIGNING_KEY: audit },
})
const owner = (root: string, one = database) => ({ ...settings(one, root), DATABASE_MIGRATION_URL: one.ownerUrl })
const open = async (root: string, one = database): Promise<Gateway> =>
  (await openGateway(loadConfig(settings(one, root)))).gateway
const storedRing = (one: TestDatabase) =>
  onServer(
    one.superuserUrl,
    async (sql): Promise<StoredRing> => (await sql`select auth_gateway.read_key_ring() as ring`)[0]?.ring,
  )
const values = (one: TestDatabase) =>
  onServer(one.superuserUrl, async (sql) =>
    (await Promise.all(sealedTables.map((table) => listSealed(sql, table, { after: '', limit: 10_000 })))).flat(),
  )
const opens = (ring: KeyRing, all: Awaited<ReturnType<typeof values>>) =>
  all.filter(({ purpose, sealed, context }) => {
    try {
      return purpose && ring.open(purpose, sealed, context)
    } catch {
      return false
    }
  }).length
const rewrap = (root: string, one = database) => call(keys, owner(root, one), 'rewrap', ...AT_ONCE, '--json')
async function verify(one = database): Promise<string[]> {
  const { exitCode, out } = await call(events, owner(newer, one), 'verify', '--json')
  const { faults }: Verification = JSON.parse(out)
  expect(exitCode).toBe(faults.length === 0 ? 0 : 1)
  return faults.map(({ fault }) => fault)
}

beforeAll(async () => {
  sound = await createTestDatabase()
  const gateway = await open(older, sound)
  await createTraffic(gateway).sweep(8)
  leaked = createKeyRing([...gateway.ring.all()], () => new Date())
  await gateway.close()
  database = await copyOf(sound)
  expect((await call(keys, owner(`${newer}|${older}`), 'rotate-root')).exitCode).toBe(0)
}, 60_000)
afterAll(async () => {
  await database?.drop()
  await sound?.drop()
})

describe('rewrap', { timeout: 60_000 }, () => {
  test('refuses a value that is not what was stored, and continues where it was stopped', async () => {
    const [victim] = (await values(database)).filter(({ name }) => name.endsWith('client_secret'))
    const put = (bytes: Uint8Array) =>
      onServer(
        database.superuserUrl,
        (sql) =>
          sql`update auth_gateway.event_secrets set sealed = ${bytes} where event_id || ' ' || name = ${victim?.id ?? ''}`,
      )
    // Anyone who has the old keys can seal a secret of their own, but not as the one of the event.
    await put(leaked.seal('connection-secret', Buffer.from('forged'), victim?.context ?? ''))
    expect(await rewrap(newer)).toEqual({
      exitCode: 1,
      out: '',
      err: `${victim?.name} is not what was stored: npm run events -- verify`,
    })
    expect(await verify()).toEqual(['secret_differs'])
    const checked: Checked[] = JSON.parse((await call(doctor, owner(newer), '--json')).out)
    expect(checked.find(({ check }) => check === 'rewrap')).toMatchObject({
      state: 'warning',
      fix: 'npm run keys -- rewrap',
    })
    await put(victim?.sealed ?? Buffer.of())
    expect(await verify()).toEqual([])
    const running = await open(newer)
    expect(opens(running.ring, await values(database))).toBe((await values(database)).length)
    await running.close()
  })

  test('0: by several commands at once; every value is under the new keys, once; the log and its export verify', async () => {
    const stale = createGateway(loadConfig(settings(database, newer)), [...leaked.all()])
    const before = await values(database)
    expect(opens(leaked, before)).toBeGreaterThan(0)
    const results = await Promise.all([rewrap(newer), rewrap(newer), rewrap(newer)])
    expect(results.map(({ exitCode }) => exitCode)).toEqual([0, 0, 0])
    const done = results.map(({ out }) => JSON.parse(out))
    expect(done.map(({ epoch, values: count }) => [epoch, count])).toEqual(Array(3).fill([2, before.length]))
    expect(await verify()).toEqual([])
    // A process that has not read the ring since then opens nothing, and what it seals is refused, not lost.
    await expect(createTraffic(stale).sweep(1)).rejects.toThrow('the key ring was not read again')
    await stale.close()
    const again = await open(newer)
    await createTraffic(again).sweep(1)
    await again.close()
    expect(await verify()).toEqual([])
  })

  test('leaves nothing that the old root with the old dump opens, or with the new one', async () => {
    const all = await values(database)
    expect(opens(leaked, all)).toBe(0)
    const roots = configuredRoots(loadConfig(settings(database, older)))
    await expect(openStoredRing(await storedRing(database), roots)).rejects.toThrow('No configured root')
    // The keys of both dumps, without the new root.
    const stored = await storedRing(sound)
    const { keys: fromOld } = await openStoredRing(stored, roots)
    expect(
      opens(
        createKeyRing(fromOld, () => new Date()),
        all,
      ),
    ).toBe(0)
    expect(
      new Set(
        (await storedRing(database)).keys.filter(({ purpose }) => purpose === 'hook-secret').map(({ epoch }) => epoch),
      ),
    ).toEqual(new Set([2]))
  })

  test('an export verifies without the database; a forged note does not', async () => {
    const { out } = await call(events, owner(newer), 'export')
    const file = path.join(tmpdir(), `rewrap-${randomBytes(8).toString('hex')}.jsonl`)
    const faults = async (text: string) => {
      await writeFile(file, `${text}\n`)
      return (await readArchive(file)).faults.map((one) => (one as { fault: string }).fault)
    }
    expect(await faults(out)).toEqual([])
    const forged = out.replace(/rewrapped epoch 2 complete/, 'rewrapped epoch 3 complete')
    expect(forged).not.toBe(out)
    expect(await faults(forged)).toContain('the rewrap is not signed by the key')
    await rm(file)
  })

  test('1: with another key than that of the log, which then signs nothing', async () => {
    const refused = await call(keys, { ...owner(newer), AUDIT_SIGNING_KEY: secret() }, 'rewrap', ...AT_ONCE)
    expect([refused.exitCode, refused.err]).toEqual([1, expect.stringContaining('signed by another key')])
    expect(await verify()).toEqual([])
  })

  test('a person whose keys were sealed again is erased, with their salts, and the batches verify without them', async () => {
    const gateway = await open(newer)
    const [person] = await gateway.reads<{ uai: string }[]>`
      select i.uai from auth_gateway.identities i
      join auth_gateway.subject_keys k on k.subject = i.uai
      where k.batch is not null and i.status = 'active' order by i.uai desc limit 1`
    const uai = person?.uai ?? ''
    const receipt = await erasePerson(
      createCall(gateway),
      { uai, members: [uai] },
      { act: () => {}, reason: 'test', backupDays: 30 },
    )
    expect([receipt.keys_left, receipt.digests_left]).toEqual([0, 0])
    await gateway.close()
    expect(await verify()).toEqual([])
  })

  test('again: a third epoch, from the batches of the second', async () => {
    const { exitCode, out } = await rewrap(newer)
    expect([exitCode, JSON.parse(out).epoch]).toEqual([0, 3])
    expect(await verify()).toEqual([])
  })
})

describe('verify names', { timeout: 60_000 }, () => {
  const TARGET = `(select min(uai::text)::uuid from auth_gateway.identities where status = 'active')`
  test.each([
    [
      'a wrapped key that was swapped with the one of another person',
      `update subject_keys k set wrapped_key = o.wrapped_key, batch = o.batch, leaf = o.leaf, salt = o.salt
      from subject_keys o where k.subject = ${TARGET} and o.subject = (select max(uai::text)::uuid from auth_gateway.identities where status = 'active')`,
      ['key_differs', 'key_foreign'],
    ],
    ['a value without its place', `update subject_keys set batch = null where subject = ${TARGET}`, ['key_differs']],
    [
      'the value from before the rewrap',
      `update event_secrets set sealed = '\\x0200016d', batch = null where name = 'client_secret'`,
      ['secret_differs', 'value_outdated'],
    ],
    [
      'a changed leaf',
      `update rewrapped_batches set leaves = sha256('x') || substring(leaves from 33) where batch = 1`,
      ['key_differs', 'rewrap_unsigned'],
    ],
    [
      'a batch with another root',
      `update rewrapped_batches set root = sha256('x') where batch = 1`,
      ['rewrap_unsigned', 'rewrap_differs'],
    ],
    [
      'a batch that is gone',
      `delete from rewrapped_batches where batch = (select max(batch) from rewrapped_batches)`,
      ['secret_differs', 'rewrap_differs'],
    ],
    [
      'a batch of an older epoch',
      `insert into rewrapped_batches select 2, batch, leaves, root, note from rewrapped_batches where batch = 1`,
      ['rewrap_unsigned', 'rewrap_order'],
    ],
  ])('%s', async (_, change, faults) => {
    const copy = await copyOf(database)
    await onServer(copy.superuserUrl, (sql) =>
      sql.begin(async (tx) => {
        await tx`set local session_replication_role = replica`
        await tx`set local search_path = auth_gateway`
        expect((await tx.unsafe(change)).count).toBeGreaterThan(0)
      }),
    )
    expect(await verify(copy)).toEqual(faults)
    await copy.drop()
  })
})

test('every secret of an event is known to be sealed under the ring, the data key of a person, or a token', async () => {
  const texts = readdirSync('shared/domain').map((file) => readFileSync(path.join('shared/domain', file), 'utf8'))
  const names = texts.flatMap((text) =>
    [...text.matchAll(/name: ((?:'\w+'(?: \| )?)+); sealed/g)].flatMap(([, union = '']) =>
      union.replaceAll("'", '').split(' | '),
    ),
  )
  const sealed = await onServer(
    sound.superuserUrl,
    (sql) => sql`
    select name from unnest(${[...new Set(names)].sort()}::text[]) as name where not auth_gateway.is_ring_sealed(name)`,
  )
  expect(sealed.map(({ name }) => name)).toEqual(['answer', 'message', 'stored_value', 'totp_secret'])
})
