import { describe, expect, test } from 'vitest'
import {
  type AuthorizationEvent,
  type AuthorizationFacts,
  authorization,
  CODE_SECONDS,
  deny,
  grant,
  grantWithoutAsking,
  isReplay,
  REQUEST_SECONDS,
  redeem,
  request,
} from '../../shared/domain/authorization.ts'
import { given, later, NOW, stateOf } from '../support/given.ts'

const facts: AuthorizationFacts = {
  clientId: 'client',
  uai: 'uai',
  sessionId: 'session',
  redirectUri: 'https://app.example.com/cb',
  scope: ['read', 'write'],
  resources: ['https://api.example.com'],
  codeChallenge: 'challenge',
  acr: 'urn:lanonasis:acr:verified-address',
  amr: ['otp'],
  authenticatedAt: NOW.toISOString(),
  expiresAt: later(REQUEST_SECONDS).toISOString(),
}
const requested: AuthorizationEvent = { type: 'AuthorizationRequested', data: facts }
const denied: AuthorizationEvent = { type: 'AuthorizationDenied', data: {} }
const code = { codeHash: 'code', codeExpiresAt: later(CODE_SECONDS).toISOString() }
const granted: AuthorizationEvent = { type: 'AuthorizationGranted', data: { by: 'person', scope: ['read'], ...code } }
const redeemed: AuthorizationEvent = { type: 'AuthorizationCodeRedeemed', data: { familyId: 'family' } }
const replayed: AuthorizationEvent = { type: 'AuthorizationCodeReplayed', data: {} }
const open = [requested, granted]
const refused = (reason: 'expired' | 'client' | 'redirect_uri' | 'code_verifier' | 'dpop_jkt'): AuthorizationEvent => ({
  type: 'AuthorizationCodeRefused',
  data: { reason },
})

const answer = { scope: ['read'], sessionId: 'session', codeHash: 'code', now: NOW }
const redemption = {
  codeHash: 'code',
  clientId: 'client',
  redirectUri: facts.redirectUri,
  challenge: 'challenge',
  familyId: 'family',
  now: NOW,
}

describe('request', () => {
  test('requested: the facts as they were checked', () => {
    const after = given(authorization)
      .when((state) => request(state, facts))
      .then([requested])
    expect(after).toEqual({ status: 'requested', facts })
  })
})

describe('grantWithoutAsking', () => {
  const silent = { by: 'first_party' as const, codeHash: 'code', now: NOW }
  const grantedAtOnce: AuthorizationEvent = {
    type: 'AuthorizationGranted',
    data: { by: 'first_party', scope: facts.scope, ...code, request: facts },
  }

  test('granted: one event with the request and its code', () => {
    const after = given(authorization)
      .when((state) => grantWithoutAsking(state, facts, silent))
      .then([grantedAtOnce])
    expect(after).toMatchObject({ status: 'code_issued', facts, codeHash: 'code', codeExpiresAt: later(60) })
    expect(redeem(after, redemption)).toEqual({ events: [redeemed] })
  })

  test.each<[string, AuthorizationEvent[]]>([
    ['it waits for the person', [requested]],
    ['it was denied', [requested, denied]],
    ['it was granted', [grantedAtOnce]],
    ['its code was redeemed', [grantedAtOnce, redeemed]],
  ])('request_uri_invalid: %s', (_why, history) => {
    given(authorization, ...history)
      .when((state) => grantWithoutAsking(state, facts, silent))
      .then([], 'request_uri_invalid')
  })
})

describe('grant and deny', () => {
  test('granted: a code of sixty seconds, for the scope that was allowed', () => {
    const after = given(authorization, requested)
      .when((state) => grant(state, answer))
      .then([granted])
    expect(after).toMatchObject({ status: 'code_issued', facts: { scope: ['read'] }, codeExpiresAt: later(60) })
  })

  test('denied: and then nothing can be granted any more', () => {
    const after = given(authorization, requested)
      .when((state) => deny(state, { sessionId: 'session', now: NOW }))
      .then([denied])
    expect(grant(after, answer)).toEqual({ events: [], refuse: 'csrf_invalid' })
  })

  const impossible: [string, AuthorizationEvent[], string, Date][] = [
    ['nothing was asked', [], 'session', NOW],
    ['another session answers', [requested], 'other', NOW],
    ['the page was open too long', [requested], 'session', later(REQUEST_SECONDS)],
    ['it was denied before', [requested, denied], 'session', NOW],
    ['it was granted before', open, 'session', NOW],
    ['the code was redeemed', [...open, redeemed], 'session', NOW],
  ]
  test.each(impossible)('csrf_invalid: %s', (_why, history, sessionId, now) => {
    given(authorization, ...history)
      .when((state) => grant(state, { ...answer, sessionId, now }))
      .then([], 'csrf_invalid')
    given(authorization, ...history)
      .when((state) => deny(state, { sessionId, now }))
      .then([], 'csrf_invalid')
  })

  test('granted: in the last millisecond of the page', () => {
    const decided = grant(stateOf(authorization, [requested]), {
      ...answer,
      now: new Date(later(REQUEST_SECONDS).getTime() - 1),
    })
    expect(decided.refuse).toBeUndefined()
  })
})

describe('redeem', () => {
  test('redeemed: everything fits', () => {
    const after = given(authorization, ...open)
      .when((state) => redeem(state, redemption))
      .then([redeemed])
    expect(after).toMatchObject({ status: 'redeemed', familyId: 'family', replayed: false })
  })

  test('redeemed: without redirect_uri, since the challenge binds the code', () => {
    given(authorization, ...open)
      .when((state) => redeem(state, { ...redemption, redirectUri: undefined }))
      .then([redeemed])
  })

  const faults: [Parameters<typeof refused>[0], Partial<typeof redemption>][] = [
    ['expired', { now: later(CODE_SECONDS) }],
    ['client', { clientId: 'other' }],
    ['redirect_uri', { redirectUri: `${facts.redirectUri}/` }],
    ['redirect_uri', { redirectUri: '' }],
    ['code_verifier', { challenge: 'other' }],
    ['code_verifier', { challenge: undefined }],
  ]
  test.each(faults)('invalid_grant: %s is recorded and the code still serves its owner (%j)', (reason, change) => {
    const after = given(authorization, ...open)
      .when((state) => redeem(state, { ...redemption, ...change }))
      .then([refused(reason)], 'invalid_grant')
    expect(redeem(after, redemption)).toEqual({ events: [redeemed] })
  })

  test('invalid_grant: the fourth bad try is no longer recorded, so the log does not grow without bound', () => {
    given(authorization, ...open, refused('client'), refused('client'), refused('code_verifier'))
      .when((state) => redeem(state, { ...redemption, challenge: 'other' }))
      .then([], 'invalid_grant')
  })

  test.each<[string, AuthorizationEvent[]]>([
    ['there is no authorization', []],
    ['no code was issued', [requested]],
    ['the person denied', [requested, denied]],
  ])('invalid_grant: %s', (_why, history) => {
    given(authorization, ...history)
      .when((state) => redeem(state, redemption))
      .then([], 'invalid_grant')
  })

  test('invalid_grant: another code of the same authorization leaves no trace', () => {
    given(authorization, ...open)
      .when((state) => redeem(state, { ...redemption, codeHash: 'guess' }))
      .then([], 'invalid_grant')
  })
})

describe('replay', () => {
  test('invalid_grant: a second valid redemption is recorded once', () => {
    const after = given(authorization, ...open, redeemed)
      .when((state) => redeem(state, { ...redemption, familyId: 'second' }))
      .then([replayed], 'invalid_grant')
    expect(redeem(after, redemption)).toEqual({ events: [], refuse: 'invalid_grant' })
  })

  test('replay: also after the code has expired', () => {
    expect(isReplay(stateOf(authorization, [...open, redeemed]), { ...redemption, now: later(3600) })).toBe(true)
  })

  test.each<[string, Partial<typeof redemption>]>([
    ['without the verifier', { challenge: undefined }],
    ['with a wrong verifier', { challenge: 'other' }],
    ['by another client', { clientId: 'other' }],
    ['with another redirect URI', { redirectUri: 'https://evil.example' }],
    ['with another code', { codeHash: 'guess' }],
  ])('invalid_grant: a second redemption %s is no replay, so a thief cannot sign the owner out', (_how, change) => {
    const input = { ...redemption, ...change }
    expect(isReplay(stateOf(authorization, [...open, redeemed]), input)).toBe(false)
    given(authorization, ...open, redeemed)
      .when((state) => redeem(state, input))
      .then([], 'invalid_grant')
  })

  test('no replay: a code that was never redeemed', () => {
    expect(isReplay(stateOf(authorization, open), redemption)).toBe(false)
  })
})

describe('a code that is bound to a key', () => {
  const bound: AuthorizationEvent[] = [{ type: 'AuthorizationRequested', data: { ...facts, dpopJkt: 'key' } }, granted]

  test('redeemed: with a proof of the key', () => {
    given(authorization, ...bound)
      .when((state) => redeem(state, { ...redemption, jkt: 'key' }))
      .then([redeemed])
  })

  test.each([undefined, 'another'])('invalid_grant: with a proof of %s, and the code still serves its owner', (jkt) => {
    const after = given(authorization, ...bound)
      .when((state) => redeem(state, { ...redemption, jkt }))
      .then([refused('dpop_jkt')], 'invalid_grant')
    expect(redeem(after, { ...redemption, jkt: 'key' })).toEqual({ events: [redeemed] })
  })

  test('redeemed: any key where none was named', () => {
    given(authorization, ...open)
      .when((state) => redeem(state, { ...redemption, jkt: 'key' }))
      .then([redeemed])
  })
})

describe('clients without PKCE', () => {
  const { codeChallenge: _none, ...withoutChallenge } = facts
  const history: AuthorizationEvent[] = [{ type: 'AuthorizationRequested', data: withoutChallenge }, granted]

  test('redeemed: with the redirect URI', () => {
    given(authorization, ...history)
      .when((state) => redeem(state, { ...redemption, challenge: undefined }))
      .then([redeemed])
  })

  test('invalid_grant: without the redirect URI nothing would bind the code', () => {
    given(authorization, ...history)
      .when((state) => redeem(state, { ...redemption, challenge: undefined, redirectUri: undefined }))
      .then([refused('redirect_uri')], 'invalid_grant')
  })

  test('invalid_grant: a verifier that answers no challenge (PKCE downgrade)', () => {
    given(authorization, ...history)
      .when((state) => redeem(state, redemption))
      .then([refused('code_verifier')], 'invalid_grant')
  })
})
