import fc from 'fast-check'
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isEqual, listReadModels, rebuildModels } from '../../scripts/lib/rebuild-models.ts'
import { verifyEvents } from '../../scripts/lib/verify-events.ts'
import { tokenFamily } from '../../shared/domain/token-family.ts'
import type { Gateway } from '../../shared/gateway.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { createTraffic, testGateway } from './traffic.ts'

let database: TestDatabase
let gateway: Gateway
let owner: postgres.Sql

beforeAll(async () => {
  database = await createTestDatabase()
  gateway = await testGateway(database)
  owner = postgres(database.ownerUrl, { max: 1, onnotice: () => {} })
})

afterAll(async () => {
  await Promise.all([gateway?.close(), owner?.end()])
  await database?.drop()
})

const setUp = [
  'sendCode',
  'signIn',
  'authorize',
  'redeem',
  'refresh',
  'client',
  'signingKey',
  'createKey',
  'changeKey',
  'deriveKey',
  'narrowKey',
  'delegate',
  'project',
  'storedKey',
  'refuse',
  'read',
  'device',
  'agent',
  'link',
  'connection',
  'hook',
  'webhook',
  'message',
  'news',
  'suppression',
  'smsBreaker',
  'totp',
  'passkey',
  'recoveryCodes',
  'operatorCode',
  'rotateRoot',
  'secondFactor',
  'rememberedDevice',
  'signInPlace',
] as const

describe('any order of real units of work', () => {
  const { names } = createTraffic({} as Gateway)
  const step = fc.tuple(fc.constantFrom(...names), fc.nat(1000))

  test('includes every kind of event', async () => {
    await createTraffic(gateway).sweep(60)
    const rows = await owner`select distinct event_type from auth_gateway.event_store`
    const types = rows.map(({ event_type }) => event_type)
    expect(types).toEqual(
      expect.arrayContaining([
        'OtpAttemptFailed',
        'OtpChallengeReplaced',
        'OtpDeliveryFailed',
        'SessionEnded',
        'AuthorizationCodeReplayed',
        'RefreshTokenRotated',
        'TokenFamilyRevoked',
        'AccessTokenRevoked',
        'ClientSecretRotated',
        'ClientAccountAccessChanged',
        'ClientShared',
        'SigningKeyRetired',
        'IdentitySuspended',
        'ConsentGranted',
        'ApiKeyChildCreated',
        'ApiKeyNarrowed',
        'ApiKeyRotated',
        'ApiKeyQuarantined',
        'ApiKeyExpiryWarned',
        'ApiKeyDeleted',
        'MessageAccepted',
        'MessageFailed',
        'MessageUnconfirmed',
        'MessageDelayed',
        'MessageDelivered',
        'MessageBounced',
        'MessageComplained',
        'AddressSuppressed',
        'SuppressionLifted',
        'SmsBreakerTripped',
        'SmsBreakerLifted',
        'RequestRefused',
        'RefusalsCounted',
        'RecordsRead',
        'AuditLogBegun',
        'AuditLogOriginChanged',
      ]),
    )
  }, 60_000)

  test('leaves read models that a rebuild makes again row by row, and chains that hold', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 30, maxLength: 60 }), async (steps) => {
        const { actions } = createTraffic(gateway)
        for (const n of [2, 3, 7, 11]) for (const name of setUp) await actions[name](n)
        for (const [name, n] of steps) await actions[name](n)
        const results = await rebuildModels(owner)
        expect(results.filter((one) => !isEqual(one))).toEqual([])
        expect(await verifyEvents(owner)).toMatchObject({ ok: true, faults: [] })
      }),
      { numRuns: 5 },
    )
  }, 120_000)

  test('has filled every read model', async () => {
    const results = await rebuildModels(owner)
    expect(results.length).toBeGreaterThanOrEqual(12)
    // Archives are made in test/scripts/archive.test.ts.
    expect(results.filter(({ rows }) => rows === 0).map(({ model }) => model)).toEqual(['archives'])
  })

  test('leaves rows of token families that equal what their events evolve to', async () => {
    const rows = await owner`select * from auth_gateway.token_families`
    expect(rows.length).toBeGreaterThan(3)
    for (const row of rows) {
      const events = await gateway.store.read('token_family', row.id)
      const state = events.reduce((soFar, event) => tokenFamily.evolve(soFar, event as never), tokenFamily.initial)
      expect(row.version).toBe(events.at(-1)?.version)
      expect(row.revoked_at === null ? 'active' : 'revoked').toBe(state.status)
      if (state.status !== 'active') continue
      expect({
        clientId: row.client_id,
        generation: row.generation,
        refreshHash: row.refresh_hash ?? undefined,
        previousHash: row.previous_hash ?? undefined,
        rotatedAt: row.rotated_at ?? undefined,
        refreshExpiresAt: row.refresh_expires_at ?? undefined,
        expiresAt: row.expires_at,
      }).toEqual({ previousHash: undefined, rotatedAt: undefined, ...state, status: undefined })
    }
  })
})

test('a rebuild in the middle of traffic loses nothing and blocks no one permanently', async () => {
  let working = true
  const traffic = [1, 2, 3].map(async (n) => {
    const { sweep } = createTraffic(gateway)
    while (working) await sweep(n + 4)
  })
  for (let round = 0; round < 6; round++)
    expect((await rebuildModels(owner)).filter((one) => !isEqual(one))).toEqual([])
  working = false
  await Promise.all(traffic)
  expect((await rebuildModels(owner)).filter((one) => !isEqual(one))).toEqual([])
  expect(await verifyEvents(owner)).toMatchObject({ ok: true, faults: [] })
}, 120_000)

test('a read model is listed with the streams it is made from, and the column of their ids where it has one', async () => {
  const models = await listReadModels(owner)
  expect(models).toContainEqual({ name: 'identities', streamType: 'identity', streamColumn: 'uai' })
  expect(models).toContainEqual({ name: 'credentials', streamType: 'identity' })
})
