import { describe, expect, test } from 'vitest'
import { begin, end, type SessionEnd, type SessionFacts, session } from '../../shared/domain/session.ts'
import { createKey, retireKey, signingKey } from '../../shared/domain/signing-key.ts'
import { given, later, NOW } from '../support/given.ts'

const facts: SessionFacts = {
  uai: 'uai',
  platform: 'web',
  projectScope: 'lanonasis-maas',
  method: 'otp',
  amr: ['otp'],
  acr: 'urn:lanonasis:acr:verified-address',
  authenticatedAt: NOW.toISOString(),
  handleHash: 'hash',
  idleSeconds: 604_800,
  expiresAt: later(2_592_000).toISOString(),
  provenBy: { type: 'otp_challenge', id: 'challenge' },
}
const started = begin(facts).events

describe('session', () => {
  test('started: the facts as they were proven', () => {
    const after = given(session)
      .when(() => begin(facts))
      .then([{ type: 'SessionStarted', data: facts }])
    expect(after).toEqual({ status: 'started', uai: 'uai', method: 'otp', amr: ['otp'], acr: facts.acr })
  })

  test.each<SessionEnd>(['logout', 'replaced', 'revoked'])(
    'ended: by %s, and it is still known whose it was',
    (reason) => {
      const after = given(session, ...started)
        .when((state) => end(state, reason))
        .then([{ type: 'SessionEnded', data: { reason } }])
      expect(after).toEqual({ status: 'ended', uai: 'uai' })
    },
  )

  test('nothing: ending it again', () => {
    given(session, ...started, { type: 'SessionEnded', data: { reason: 'logout' } })
      .when((state) => end(state, 'revoked'))
      .then([])
  })

  test('nothing: ending what never started', () => {
    const after = given(session)
      .when((state) => end(state, 'logout'))
      .then([])
    expect(session.evolve(after, { type: 'SessionEnded', data: { reason: 'logout' } })).toEqual({ status: 'none' })
  })
})

describe('signing key', () => {
  const input = {
    kid: 'kid',
    alg: 'ES256' as const,
    publicJwk: { kty: 'EC' },
    activeFrom: later(300),
    sealedPrivateJwk: new Uint8Array([1, 2, 3]),
  }
  const created = createKey(input).events

  test('created: the private half is stored next to the event, never in it', () => {
    const after = given(signingKey)
      .when(() => createKey(input))
      .then([
        {
          type: 'SigningKeyCreated',
          data: { kid: 'kid', alg: 'ES256', publicJwk: { kty: 'EC' }, activeFrom: later(300).toISOString() },
          secrets: [{ name: 'private_jwk', sealed: new Uint8Array([1, 2, 3]) }],
        },
      ])
    expect(after.status).toBe('published')
    expect(Object.keys(created[0]?.data ?? {})).toEqual(['kid', 'alg', 'publicJwk', 'activeFrom'])
  })

  test('retired: it says until when it stays in the key set', () => {
    const after = given(signingKey, ...created)
      .when((state) => retireKey(state, later(3600)))
      .then([{ type: 'SigningKeyRetired', data: { expiresAt: later(3600).toISOString() } }])
    expect(after.status).toBe('retired')
  })

  test('nothing: retiring it again, which would lengthen its life', () => {
    given(signingKey, ...created, ...retireKey({ status: 'published' }, later(60)).events)
      .when((state) => retireKey(state, later(99_999)))
      .then([])
  })

  test('nothing: retiring what was never published', () => {
    given(signingKey)
      .when((state) => retireKey(state, later(60)))
      .then([])
  })
})
