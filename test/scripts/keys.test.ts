import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { keys } from '../../scripts/keys.ts'
import { onServer } from '../../scripts/lib/gateway-database.ts'
import { loadConfig } from '../../shared/config.ts'
import { openGateway } from '../../shared/gateway.ts'
import { startErrors } from '../../shared/start.ts'
import { testGateway } from '../projections/traffic.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { call } from './terminal.ts'

let database: TestDatabase

beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database?.drop())

const cli = (...args: string[]) => call(keys, { DATABASE_MIGRATION_URL: database.ownerUrl }, ...args)
type Key = { kid: string; alg: string; use: string; active_from: string; expires_at?: string }
const list = async (...args: string[]): Promise<Key[]> => {
  const { exitCode, out } = await cli(...args, '--json')
  expect(exitCode).toBe(0)
  return JSON.parse(out)
}
const seconds = (iso: string | undefined) => (Date.parse(iso ?? '') - Date.now()) / 1000

test('0: list is empty before the first token', async () => {
  expect(await cli('list')).toEqual({ exitCode: 0, out: 'no keys yet: the first token creates them', err: '' })
})

test('0: rotate publishes successors that sign after the overlap, and dates the end of their predecessors', async () => {
  const rotated = await list('rotate')
  expect(rotated.map(({ alg, use }) => `${alg} ${use}`).sort()).toEqual([
    'ES256 signs',
    'ES256 signs later',
    'RS256 signs',
    'RS256 signs later',
  ])
  for (const key of rotated.filter(({ use }) => use === 'signs later')) {
    expect(seconds(key.active_from)).toBeGreaterThan(580)
    expect(key).not.toHaveProperty('expires_at')
  }
  for (const key of rotated.filter(({ use }) => use === 'signs'))
    expect(seconds(key.expires_at)).toBeGreaterThan(580 + 86_400)
})

test('0: rotate --overlap 0 signs with the new keys at once, also in a gateway that starts later', async () => {
  const before = (await list('list')).map(({ kid }) => kid)
  const fresh = (await list('rotate', '--overlap', '0')).filter(
    ({ use, kid }) => use === 'signs' && !before.includes(kid),
  )
  expect(fresh.map(({ alg }) => alg).sort()).toEqual(['ES256', 'RS256'])
  const gateway = await testGateway(database)
  const active = await gateway.keys.active('ES256')
  await gateway.close()
  expect(fresh.map(({ kid }) => kid)).toContain(active.kid)
})

test('0: a key that was published for later and retired since never signs', async () => {
  const listed = await list('rotate')
  const later = listed.filter(({ use }) => use === 'signs later')
  await list('rotate', '--overlap', '0')
  const after = await list('list')
  expect(later.map(({ kid }) => after.find((key) => key.kid === kid)?.use)).toEqual(['verifies', 'verifies'])
})

test('0: rotate --withdraw ends every key but the new ones', async () => {
  const before = (await list('list')).map(({ kid }) => kid)
  const after = await list('rotate', '--withdraw')
  expect(after.map(({ alg, use }) => `${alg} ${use}`).sort()).toEqual(['ES256 signs', 'RS256 signs'])
  expect(after.filter(({ kid }) => before.includes(kid))).toEqual([])
})

describe('rotate-root', () => {
  const [older, newer] = [randomBytes(32).toString('base64'), randomBytes(32).toString('base64')]
  let own: TestDatabase
  beforeAll(async () => {
    own = await createTestDatabase()
  })
  afterAll(() => own?.drop())
  const env = (secret: string) => ({ NODE_ENV: 'test', DATABASE_URL: own.appUrl, AUTH_MASTER_SECRET: secret })
  const rotateRoot = (secret: string) =>
    call(keys, { DATABASE_MIGRATION_URL: own.ownerUrl, AUTH_MASTER_SECRET: secret }, 'rotate-root', '--json')
  const open = async (secret: string) => openGateway(loadConfig(env(secret)))

  test('0: seals the ring under the new root, once and as an event; the old root opens nothing, and the keys stay', async () => {
    const before = await open(older)
    const sealed = before.gateway.ring.seal('hook-secret', Buffer.from('a secret'), 'context')
    const results = await Promise.all([rotateRoot(`${newer}|${older}`), rotateRoot(`${newer}|${older}`)])
    expect(results.filter(({ exitCode }) => exitCode === 0).length).toBeGreaterThan(0)
    const again = await rotateRoot(`${newer}|${older}`)
    expect([again.exitCode, JSON.parse(again.out).rotated]).toEqual([0, false])
    await expect(open(older)).rejects.toThrow(startErrors.root)
    const after = await open(newer)
    expect(after.gateway.ring.open('hook-secret', sealed, 'context').toString()).toBe('a secret')
    expect(after.gateway.ring.key('pairwise-subject')).toEqual(before.gateway.ring.key('pairwise-subject'))
    const events = await after.gateway.reads`
      select data from auth_gateway.event_store where event_type = 'KeyRootRotated' order by position`
    const root = JSON.parse(again.out).root
    expect(events.map(({ data }) => data)).toEqual([{ previous: expect.stringMatching(/^secret:[0-9a-f]{16}$/), root }])
    await Promise.all([before.gateway.close(), after.gateway.close()])
  })

  test('records every root between, in the transaction that replaces it: without the event, the old root stays', async () => {
    const third = randomBytes(32).toString('base64')
    const refuseEvents = `create function refuse_events() returns trigger language plpgsql as $$ begin raise 'down'; end $$;
      create trigger down before insert on auth_gateway.event_store_lasting for each row execute function refuse_events()`
    await onServer(own.superuserUrl, (sql) => sql.unsafe(refuseEvents))
    expect((await rotateRoot(`${third}|${newer}`)).exitCode).toBe(1)
    await onServer(own.superuserUrl, (sql) => sql.unsafe('drop function refuse_events cascade'))
    expect((await rotateRoot(`${third}|${newer}`)).exitCode).toBe(0)
    expect((await rotateRoot(`${newer}|${third}`)).exitCode).toBe(0)
    const { gateway } = await open(newer)
    const roots = await gateway.reads`
      select data->>'root' as root from auth_gateway.event_store where event_type = 'KeyRootRotated' order by position`
    const [first, second, last] = roots.map(({ root }) => root)
    expect([roots.length, first === last, first === second]).toEqual([3, true, false])
    await gateway.close()
  })

  test('1: without the old root, and nothing changes', async () => {
    const refused = await rotateRoot(randomBytes(32).toString('base64'))
    expect([refused.exitCode, refused.err]).toEqual([1, startErrors.root])
    const { gateway } = await open(newer)
    await gateway.close()
  })

  test('the application role may not replace the root', async () => {
    const { gateway } = await open(newer)
    const replace = gateway.reads`select auth_gateway.replace_key_root(1, 'x', '', '[]')`
    await expect(replace).rejects.toThrow('permission denied')
    await gateway.close()
  })
})

test('a ring from before a purpose existed gets a key for it at the next start', async () => {
  const own = await createTestDatabase()
  const config = loadConfig({ NODE_ENV: 'test', DATABASE_URL: own.appUrl })
  const first = await openGateway(config)
  await first.gateway.close()
  await onServer(own.superuserUrl, (sql) => sql`delete from auth_gateway.key_ring where purpose = 'mfa-token'`)
  const opened = await Promise.all([openGateway(config), openGateway(config)])
  const [one, other] = opened.map(({ gateway }) => gateway)
  const token = one?.ring.sealJson('mfa-token', { a: 1 }, 'x') ?? ''
  expect(other?.ring.openJson('mfa-token', token, 'x')).toEqual({ a: 1 })
  await Promise.all([one?.close(), other?.close()])
  await own.drop()
})

test('2: wrong usage', async () => {
  expect(await cli('rotate', '--overlap', 'soon')).toMatchObject({ exitCode: 2, out: '' })
  expect(await cli('destroy')).toMatchObject({ exitCode: 2, out: '' })
})
