import { describe, expect, test } from 'vitest'
import {
  type FamilyRevocation,
  GRACE_SECONDS,
  isGraceReplay,
  revokeAccessToken,
  revokeFamily,
  rotate,
  startFamily,
  type TokenFamilyEvent,
  type TokenFamilyFacts,
  tokenFamily,
} from '../../shared/domain/token-family.ts'
import { given, later, NOW, stateOf } from '../support/given.ts'

const DAY = 86_400
const facts: TokenFamilyFacts = {
  kind: 'authorization',
  uai: 'uai',
  clientId: 'client',
  sessionId: 'session',
  authorizationId: 'authorization',
  scope: ['read'],
  resources: ['https://api.example.com'],
  offline: true,
  accessTokenId: 'jti-0',
  refreshHash: 'hash-0',
  refreshExpiresAt: later(30 * DAY).toISOString(),
  expiresAt: later(90 * DAY).toISOString(),
}
const started: TokenFamilyEvent = { type: 'TokenFamilyStarted', data: facts }
const revoked: TokenFamilyEvent = { type: 'TokenFamilyRevoked', data: { reason: 'client' } }
const answer = new Uint8Array([7])

const rotated = (generation: number, at: Date = NOW): TokenFamilyEvent => ({
  type: 'RefreshTokenRotated',
  data: {
    generation,
    refreshHash: `hash-${generation}`,
    previousHash: `hash-${generation - 1}`,
    rotatedAt: at.toISOString(),
    refreshExpiresAt: later(40 * DAY).toISOString(),
    accessTokenId: `jti-${generation}`,
  },
  secrets: [{ name: 'answer', sealed: answer, expiresAt: new Date(at.getTime() + GRACE_SECONDS * 1000) }],
})
const presenting = (generation: number, now: Date = NOW) => ({
  presentedHash: `hash-${generation}`,
  generation,
  refreshHash: `hash-${generation + 1}`,
  refreshExpiresAt: later(40 * DAY),
  accessTokenId: `jti-${generation + 1}`,
  answer,
  now,
})

describe('start', () => {
  test('started: generation 0', () => {
    const after = given(tokenFamily)
      .when(() => startFamily(facts))
      .then([started])
    expect(after).toMatchObject({ status: 'active', generation: 0, refreshHash: 'hash-0', expiresAt: later(90 * DAY) })
  })
})

describe('rotate', () => {
  test('rotated: the current token, with the sealed answer kept for the grace window', () => {
    const after = given(tokenFamily, started)
      .when((state) => rotate(state, presenting(0)))
      .then([rotated(1)])
    expect(after).toMatchObject({ generation: 1, refreshHash: 'hash-1', previousHash: 'hash-0', rotatedAt: NOW })
  })

  test('rotated: again and again, each generation once', () => {
    given(tokenFamily, started, rotated(1), rotated(2))
      .when((state) => rotate(state, presenting(2, later(60))))
      .then([rotated(3, later(60))])
  })

  test.each([0, 1])(
    'invalid_grant: generation %i after two rotations is a replay and ends the family',
    (generation) => {
      const after = given(tokenFamily, started, rotated(1), rotated(2))
        .when((state) => rotate(state, presenting(generation)))
        .then(
          [
            { type: 'RefreshTokenReplayed', data: { generation } },
            { type: 'TokenFamilyRevoked', data: { reason: 'replay' } },
          ],
          'invalid_grant',
        )
      expect(rotate(after, presenting(2))).toEqual({ events: [], refuse: 'invalid_grant' })
    },
  )

  test.each([2, 3, 99])('invalid_grant: generation %i, which was never issued, changes nothing', (generation) => {
    given(tokenFamily, started, rotated(1), rotated(2))
      .when((state) => rotate(state, { ...presenting(generation), presentedHash: 'unknown' }))
      .then([], 'invalid_grant')
  })

  test.each<[string, TokenFamilyEvent[], Date]>([
    ['there is no family', [], NOW],
    ['the family is revoked', [started, revoked], NOW],
    ['the token has expired', [started], later(30 * DAY)],
    ['the family has expired', [started], later(90 * DAY)],
  ])('invalid_grant: %s', (_why, history, now) => {
    given(tokenFamily, ...history)
      .when((state) => rotate(state, presenting(0, now)))
      .then([], 'invalid_grant')
  })

  test('invalid_grant: a family without refresh tokens', () => {
    const { refreshHash: _hash, refreshExpiresAt: _until, ...without } = facts
    given(tokenFamily, { type: 'TokenFamilyStarted', data: without })
      .when((state) => rotate(state, presenting(0)))
      .then([], 'invalid_grant')
  })

  test('rotated: in the last second of the token', () => {
    expect(rotate(stateOf(tokenFamily, [started]), presenting(0, later(30 * DAY - 1))).refuse).toBeUndefined()
  })
})

describe('grace', () => {
  const twice = stateOf(tokenFamily, [started, rotated(1), rotated(2)])

  test.each([
    [true, 0],
    [true, GRACE_SECONDS],
    [false, GRACE_SECONDS + 0.001],
    [false, DAY],
  ])('%s: the token just rotated, %f seconds later', (expected, seconds) => {
    expect(isGraceReplay(twice, { presentedHash: 'hash-1', now: later(seconds) })).toBe(expected)
  })

  test.each(['hash-0', 'hash-2', 'unknown'])('false: %s is not the token just rotated', (presentedHash) => {
    expect(isGraceReplay(twice, { presentedHash, now: NOW })).toBe(false)
  })

  test('false: a family that was never rotated, or is revoked', () => {
    const states = [stateOf(tokenFamily, [started]), stateOf(tokenFamily, [started, rotated(1), revoked])]
    for (const state of states) expect(isGraceReplay(state, { presentedHash: 'hash-0', now: NOW })).toBe(false)
  })
})

describe('tokens of a service', () => {
  const own: TokenFamilyEvent = {
    type: 'TokenFamilyStarted',
    data: {
      kind: 'service',
      clientId: 'client',
      scope: ['read'],
      resources: [],
      offline: true,
      accessTokenId: 'jti-0',
      expiresAt: later(3600).toISOString(),
    },
  }

  test('invalid_grant: there is nothing to rotate, and nothing that a made-up token revokes', () => {
    given(tokenFamily, own)
      .when((state) => rotate(state, presenting(0)))
      .then([], 'invalid_grant')
    expect(stateOf(tokenFamily, [own]).status).toBe('active')
  })

  test('revoked: by their client', () => {
    given(tokenFamily, own)
      .when((state) => revokeFamily(state, 'client'))
      .then([{ type: 'TokenFamilyRevoked', data: { reason: 'client' } }])
  })
})

describe('revoke', () => {
  test.each<FamilyRevocation>(['client', 'replay', 'logout', 'person', 'operator'])('revoked: by %s', (reason) => {
    const after = given(tokenFamily, started)
      .when((state) => revokeFamily(state, reason))
      .then([{ type: 'TokenFamilyRevoked', data: { reason } }])
    expect(after).toEqual({ status: 'revoked' })
  })

  test.each<[string, TokenFamilyEvent[]]>([
    ['a revoked family', [started, revoked]],
    ['no family', []],
  ])('nothing: %s', (_what, history) => {
    given(tokenFamily, ...history)
      .when((state) => revokeFamily(state, 'client'))
      .then([])
    given(tokenFamily, ...history)
      .when((state) => revokeAccessToken(state, { jti: 'jti-0', expiresAt: later(60) }))
      .then([])
  })

  test('revoked: one access token, while the family stays valid', () => {
    const after = given(tokenFamily, started)
      .when((state) => revokeAccessToken(state, { jti: 'jti-0', expiresAt: later(3600) }))
      .then([{ type: 'AccessTokenRevoked', data: { jti: 'jti-0', expiresAt: later(3600).toISOString() } }])
    expect(after.status).toBe('active')
  })

  test('revoked: a rotation that is read after the end does not restore the family', () => {
    expect(stateOf(tokenFamily, [started, revoked, rotated(1)])).toEqual({ status: 'revoked' })
  })
})
