import { afterAll, beforeAll, expect, test } from 'vitest'
import { keys } from '../../scripts/keys.ts'
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

test('2: wrong usage', async () => {
  expect(await cli('rotate', '--overlap', 'soon')).toMatchObject({ exitCode: 2, out: '' })
  expect(await cli('destroy')).toMatchObject({ exitCode: 2, out: '' })
})
