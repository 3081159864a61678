import postgres from 'postgres'
import { expect, onTestFinished, test, vi } from 'vitest'
import { arrayTypes } from '../../shared/array-types.ts'
import { createGateway } from '../../shared/gateway.ts'
import { rotateOldKeys } from '../../shared/oauth/token/rotate-keys.ts'
import { firstKeys } from '../../shared/tokens/key-ring.ts'
import { createTestDatabase } from '../support/database.ts'
import { useGateway } from '../support/gateway.ts'
import { withClockAhead } from '../support/time.ts'

const gateway = useGateway()
/** Another instance on the same database. */
const sibling = () => createGateway(gateway.gateway.config, [...gateway.gateway.ring.all()])

test('one key per algorithm when twenty requests and three instances meet an empty database', async () => {
  const instances = [1, 2, 3].map(() => sibling())
  try {
    const requests = Array.from({ length: 20 }, () => fetch(`${gateway.url}/oauth/jwks.json`))
    await Promise.all([...requests, ...instances.flatMap(({ keys }) => [keys.published(), keys.active('ES256')])])
    const rows = await gateway.sql`select alg from auth_gateway.signing_keys order by alg`
    expect(rows.map(({ alg }) => alg)).toEqual(['ES256', 'RS256'])
  } finally {
    for (const instance of instances) await instance.close()
  }
})

test('a first key is found by requests that arrived while it was made, however slow the database is', async () => {
  const database = await createTestDatabase()
  const settings = { ...gateway.gateway.config, DATABASE_URL: database.appUrl }
  const [reads, writes] = [2, 2].map((max) => postgres(database.appUrl, { max, prepare: false, types: arrayTypes }))
  if (!reads || !writes) throw new Error('two pools')
  const slow = new Proxy(reads, {
    apply: async (_target, _this, statement: Parameters<typeof reads>) => {
      const rows = await reads(...statement)
      await new Promise((resolve) => setTimeout(resolve, 50))
      return rows
    },
  })
  const instance = createGateway(settings, firstKeys(), { reads: slow, writes })
  onTestFinished(async () => {
    await instance.close()
    await database.drop()
  })
  const asked = []
  for (let request = 0; request < 60; request++) {
    asked.push(instance.keys.active('ES256'))
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  expect(new Set((await Promise.all(asked)).map(({ kid }) => kid)).size).toBe(1)
})

test('a token of an instance that has just made a key is valid immediately at an instance that read the keys before', async () => {
  await gateway.sql`delete from auth_gateway.signing_keys`
  const [early, maker] = [1, 2].map(() => sibling())
  if (!early || !maker) throw new Error('two instances')
  onTestFinished(async () => {
    await Promise.all([early.close(), maker.close()])
    await gateway.sql`select auth_gateway.rebuild_model('signing_keys')`
  })
  expect(await early.keys.find('unknown')).toBeUndefined()
  await gateway.sql`select auth_gateway.rebuild_model('signing_keys')`
  const { kid } = await maker.keys.active('ES256')
  expect((await withClockAhead(1100, () => early.keys.find(kid)))?.kid).toBe(kid)
})

test('one successor per algorithm when eight instances find the keys old, and none while they are young', async () => {
  const instances = Array.from({ length: 8 }, () => sibling())
  const rotate = () => Promise.all(instances.map(rotateOldKeys))
  const keys = () => gateway.sql`
    select alg, expires_at, active_from from auth_gateway.signing_keys order by alg, active_from`
  onTestFinished(async () => {
    vi.useRealTimers()
    for (const instance of instances) await instance.close()
  })
  await rotate()
  expect(await keys()).toHaveLength(2)
  vi.useFakeTimers({ now: Date.now() + 91 * 86_400_000, toFake: ['Date'] })
  await rotate()
  await rotate()
  const after = await keys()
  expect(after.map(({ alg }) => alg)).toEqual(['ES256', 'ES256', 'RS256', 'RS256'])
  expect(after.map(({ expires_at }) => expires_at === null)).toEqual([false, true, false, true])
  const [event] = await gateway.sql`
    select metadata from auth_gateway.event_store where event_type = 'SigningKeyRetired' limit 1`
  expect(event?.metadata).toMatchObject({ actorType: 'system', actor: 'maintenance' })
})
