import { describe, expect, test } from 'vitest'
import {
  type ApiKeyEvent,
  apiKey,
  createKey,
  deleteKey,
  noteNotified,
  reportLeak,
  revokeKey,
  rotateKey,
  updateKey,
  warnOfExpiry,
} from '../../shared/domain/api-key.ts'
import type { ApiKeySettings } from '../../shared/domain/api-key-settings.ts'
import { given, later, NOW } from '../support/given.ts'

const UAI = '0195d100-0000-7000-8000-000000000001'
const ORGANIZATION = '0195d100-0000-7000-8000-000000000002'
const settings: ApiKeySettings = {
  scopes: ['memories:read'],
  accessLevel: 'authenticated',
  service: 'all',
  serviceScopes: [],
}
const naming = {
  personal: { name: 'Laptop', description: undefined },
  lookups: [{ kind: 'api_key_name' as const, value: `api-key:${UAI}:laptop` }],
}
const created = (changes: Partial<ApiKeySettings> = {}): ApiKeyEvent => ({
  type: 'ApiKeyCreated',
  data: {
    ownerType: 'person',
    ownerId: UAI,
    organizationId: ORGANIZATION,
    createdBy: UAI,
    origin: 'owner',
    secretHash: 'h0',
    preview: 'lano_1234…abcd',
    settings: { ...settings, ...changes },
  },
  ...naming,
})
const rotated: ApiKeyEvent = { type: 'ApiKeyRotated', data: { secretHash: 'h1', preview: 'p1' } }
const revoked: ApiKeyEvent = { type: 'ApiKeyRevoked', data: { reason: 'lost' } }
const deleted: ApiKeyEvent = { type: 'ApiKeyDeleted', data: { reason: 'owner' } }
const quarantined: ApiKeyEvent = {
  type: 'ApiKeyQuarantined',
  data: { reason: 'leaked', source: 'github' },
  personal: { url: 'https://example.com/x' },
}
const rotation = { secretHash: 'h1', preview: 'p1', graceSeconds: 0, knownRotations: 0, now: NOW }
const leak = { policy: 'quarantine' as const, source: 'github', url: 'https://example.com/x' }

describe('create and update', () => {
  test('created: the name is personal and found by digest, the secret is a hash', () => {
    given(apiKey)
      .when(() =>
        createKey({
          owner: { type: 'person', id: UAI },
          organizationId: ORGANIZATION,
          createdBy: UAI,
          origin: 'owner',
          name: 'Laptop',
          secretHash: 'h0',
          preview: 'lano_1234…abcd',
          settings,
        }),
      )
      .then([created()])
  })

  test('updated: settings and name are replaced', () => {
    const changed = { ...settings, scopes: ['memories:*'] }
    given(apiKey, created())
      .when((state) => updateKey(state, { name: 'Laptop', settings: changed, mayLoosen: true }))
      .then([{ type: 'ApiKeyUpdated', data: { settings: changed }, ...naming }])
  })

  test.each([
    ['key_not_found', []],
    ['key_not_found', [created(), deleted]],
    ['key_not_active', [created(), revoked]],
    ['key_not_active', [created(), quarantined]],
  ] as const)('%s: nothing changes after %#', (refusal, history) => {
    given(apiKey, ...history)
      .when((state) => updateKey(state, { name: 'x', settings, mayLoosen: true }))
      .then([], refusal)
  })
})

describe('rotate', () => {
  test('rotated: without grace the old secret stops working immediately', () => {
    given(apiKey, created())
      .when((state) => rotateKey(state, rotation))
      .then([rotated])
  })

  test('rotated: with grace the old secret has an end', () => {
    given(apiKey, created())
      .when((state) => rotateKey(state, { ...rotation, graceSeconds: 3600 }))
      .then([
        {
          type: 'ApiKeyRotated',
          data: { secretHash: 'h1', preview: 'p1', previousExpiresAt: later(3600).toISOString() },
        },
      ])
  })

  test('rotated: a key that leaked is active again, and its old secret gets no grace', () => {
    const after = given(apiKey, created(), quarantined)
      .when((state) => rotateKey(state, { ...rotation, graceSeconds: 3600 }))
      .then([rotated])
    expect(after).toMatchObject({ status: 'active', leakReports: 0 })
  })

  test('stale: it was rotated meanwhile', () => {
    given(apiKey, created(), rotated)
      .when((state) => rotateKey(state, rotation))
      .then([], 'stale')
  })

  test('key_not_active: a revoked key stays revoked', () => {
    given(apiKey, created(), revoked)
      .when((state) => rotateKey(state, rotation))
      .then([], 'key_not_active')
  })
})

describe('the end of a key', () => {
  test('revoked, once', () => {
    given(apiKey, created())
      .when((state) => revokeKey(state, 'lost'))
      .then([revoked])
    given(apiKey, created(), revoked)
      .when((state) => revokeKey(state, 'lost'))
      .then([])
  })

  test('deleted, and then it is not there', () => {
    given(apiKey, created(), revoked)
      .when((state) => deleteKey(state, 'owner'))
      .then([deleted])
    given(apiKey, created(), deleted)
      .when((state) => deleteKey(state, 'owner'))
      .then([], 'key_not_found')
    given(apiKey, created(), deleted)
      .when((state) => revokeKey(state, 'owner'))
      .then([], 'key_not_found')
  })
})

describe('a leaked key', () => {
  test('quarantined by the first report, and the second changes nothing', () => {
    const after = given(apiKey, created())
      .when((state) => reportLeak(state, leak))
      .then([quarantined])
    expect(after).toMatchObject({ status: 'quarantined' })
    given(apiKey, created(), quarantined)
      .when((state) => reportLeak(state, leak))
      .then([])
  })

  test('revoked or only noted, as the policy says', () => {
    const noted: ApiKeyEvent = {
      type: 'ApiKeyLeakReported',
      data: { source: 'github' },
      personal: { url: 'https://example.com/x' },
    }
    given(apiKey, created())
      .when((state) => reportLeak(state, { ...leak, policy: 'revoke' }))
      .then([noted, { type: 'ApiKeyRevoked', data: { reason: 'leaked' } }])
    given(apiKey, created())
      .when((state) => reportLeak(state, { ...leak, policy: 'notify' }))
      .then([noted])
    given(apiKey, created(), revoked)
      .when((state) => reportLeak(state, leak))
      .then([noted])
  })
})

describe('notices', () => {
  const expiresAt = later(86_400).toISOString()
  const warned: ApiKeyEvent = { type: 'ApiKeyExpiryWarned', data: { expiresAt } }

  test('warned once of each expiry', () => {
    given(apiKey, created({ expiresAt })).when(warnOfExpiry).then([warned])
    given(apiKey, created({ expiresAt }), warned).when(warnOfExpiry).then([])
    given(apiKey, created()).when(warnOfExpiry).then([])
  })

  test('notified once per message', () => {
    const note = { kind: 'api_key_expiring', outcome: 'sent', messageId: 'm1' }
    const notified: ApiKeyEvent = { type: 'ApiKeyOwnerNotified', data: note }
    given(apiKey, created())
      .when((state) => noteNotified(state, note))
      .then([notified])
    given(apiKey, created(), notified)
      .when((state) => noteNotified(state, note))
      .then([])
  })
})
