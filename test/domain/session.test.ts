import { describe, expect, test } from 'vitest'
import { begin, end, type SessionEnd, type SessionFacts, session, stepUp, weaken } from '../../shared/domain/session.ts'
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
    const proven = [{ by: facts.provenBy, amr: ['otp'], acr: facts.acr }]
    expect(after).toEqual({ status: 'started', uai: 'uai', method: 'otp', amr: ['otp'], acr: facts.acr, proven })
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

describe('a session whose factor is removed', () => {
  const [otp, MULTI, RESISTANT] = [facts.acr, 'urn:lanonasis:acr:multi-factor', 'urn:lanonasis:acr:phishing-resistant']
  const at = { handleHash: 'hash', now: NOW }
  const byApp = { ...at, provenBy: { type: 'totp_authenticator' as const, id: 'app' } }
  const byKey = { ...at, provenBy: { type: 'passkey' as const, id: 'key' }, passkeyAmr: ['swk', 'user'] }
  /** The session after these step-ups. */
  const raised = (from: SessionFacts, ...uses: (typeof byApp | typeof byKey)[]) =>
    uses.reduce(
      (state, use) => stepUp(state, use).events.reduce(session.evolve, state),
      begin(from).events.reduce(session.evolve, session.initial),
    )
  const without = (state: ReturnType<typeof raised>, removed: string, opener?: { amr: string[]; acr: string }) =>
    weaken(state, { removed, opener }).events.map(({ data }) => data)
  const steppedUpAt = NOW.toISOString()

  test.each([
    ['falls to what it began with', raised(facts, byApp), 'app', { amr: ['otp'], acr: otp }],
    ['keeps another factor', raised(facts, byApp, byKey), 'key', { amr: ['otp', 'mfa'], acr: MULTI, steppedUpAt }],
    [
      'keeps the passkey, whichever came first',
      raised(facts, byKey, byApp),
      'app',
      { amr: ['otp', 'swk', 'user', 'mfa'], acr: RESISTANT, steppedUpAt },
    ],
  ])('%s', (_, state, removed, left) => {
    expect(without(state, removed)).toEqual([{ removed, ...left }])
  })

  test('has one factor if it began with a passkey that is removed', () => {
    const provenBy = { type: 'passkey' as const, id: 'key' }
    const began = { ...facts, method: 'passkey', amr: ['swk', 'user', 'mfa'], acr: RESISTANT, provenBy }
    const left = { removed: 'key', amr: ['swk', 'user'], acr: 'urn:lanonasis:acr:single-factor' }
    expect(without(raised(began), 'key')).toEqual([left])
  })

  test('falls with the session that it was opened from, and never rises with it', () => {
    const provenBy = { type: 'session' as const, id: 'opener' }
    const strong = raised({ ...facts, amr: ['otp', 'mfa'], acr: MULTI, provenBy })
    const fallen = { amr: ['otp'], acr: otp }
    expect(without(strong, 'app', fallen)).toEqual([{ removed: 'app', ...fallen }])
    expect(without(raised({ ...facts, provenBy }), 'app', { amr: ['otp', 'mfa'], acr: MULTI })).toEqual([])
  })

  test('nothing for a factor that it never used, and once it has ended', () => {
    expect(without(raised(facts, byApp), 'other')).toEqual([])
    expect(
      without(end(raised(facts, byApp), 'logout').events.reduce(session.evolve, raised(facts, byApp)), 'app'),
    ).toEqual([])
  })
})
