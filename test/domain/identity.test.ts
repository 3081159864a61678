import { describe, expect, test } from 'vitest'
import {
  create,
  erase,
  type Identity,
  type IdentityEvent,
  identity,
  reinstate,
  suspend,
} from '../../shared/domain/identity.ts'
import { createPersonal, organization } from '../../shared/domain/organization.ts'
import { given, stateOf } from '../support/given.ts'

const input = {
  organizationId: 'org',
  credentials: [
    {
      credentialId: 'credential',
      kind: 'email' as const,
      verified: true,
      evidence: { method: 'otp', challengeId: 'challenge' },
      address: 'Ada@Example.com',
      lookup: 'ada@example.com',
    },
  ],
}
const created = create(input).events
const suspended: IdentityEvent = { type: 'IdentitySuspended', data: { reason: 'abuse' } }
const reinstated: IdentityEvent = { type: 'IdentityReinstated', data: { reason: 'appeal' } }
const erased: IdentityEvent = { type: 'IdentityErased', data: { reason: 'request' } }

describe('create', () => {
  test('created: an identity and the credential that proved it, the address personal and found by digest only', () => {
    const after = given(identity)
      .when(() => create({ ...input, locale: 'en' }))
      .then([
        { type: 'IdentityCreated', data: { role: 'user', plan: 'free', organizationId: 'org', locale: 'en' } },
        {
          type: 'CredentialLinked',
          data: {
            credentialId: 'credential',
            kind: 'email',
            verified: true,
            evidence: { method: 'otp', challengeId: 'challenge' },
          },
          personal: { address: 'Ada@Example.com' },
          lookups: [{ kind: 'email', value: 'ada@example.com' }],
        },
      ])
    expect(after).toEqual({ status: 'active', credentials: ['credential'], standing: 1 })
  })

  test('created: no data member holds the address', () => {
    for (const event of created) expect(JSON.stringify(event.data)).not.toMatch(/ada|example/i)
  })
})

describe('suspend', () => {
  test('suspended: an active identity', () => {
    const after = given(identity, ...created)
      .when((state) => suspend(state, 'abuse'))
      .then([suspended])
    expect(after.status).toBe('suspended')
  })

  test('suspended: again after a reinstatement', () => {
    given(identity, ...created, suspended, reinstated)
      .when((state) => suspend(state, 'abuse'))
      .then([suspended])
  })

  test('nothing: a suspended identity', () => {
    given(identity, ...created, suspended)
      .when((state) => suspend(state, 'again'))
      .then([])
  })
})

describe('reinstate', () => {
  test('reinstated: a suspended identity', () => {
    const after = given(identity, ...created, suspended)
      .when((state) => reinstate(state, 'appeal'))
      .then([reinstated])
    expect(after.status).toBe('active')
  })

  test('nothing: an active identity', () => {
    given(identity, ...created)
      .when((state) => reinstate(state, 'appeal'))
      .then([])
  })
})

describe('erase', () => {
  test.each([
    ['active', []],
    ['suspended', [suspended]],
  ])('erased: an identity that is %s', (_status, history) => {
    const after = given(identity, ...created, ...history)
      .when((state) => erase(state, { reason: 'request' }))
      .then([erased])
    expect(after.status).toBe('erased')
  })

  test('nothing: an erased identity', () => {
    given(identity, ...created, erased)
      .when((state) => erase(state, { reason: 'again' }))
      .then([])
  })
})

describe('not_found', () => {
  test.each([
    ['suspend', suspend],
    ['reinstate', reinstate],
    ['erase', (state: Identity, reason: string) => erase(state, { reason })],
  ])('not_found: %s where there is no identity', (_name, decision) => {
    given(identity)
      .when((state) => decision(state, 'why'))
      .then([], 'not_found')
  })

  test.each([
    ['suspend', suspend],
    ['reinstate', reinstate],
  ])('not_found: %s of an erased identity, which stays erased', (_name, decision) => {
    const after = given(identity, ...created, erased)
      .when((state) => decision(state, 'why'))
      .then([], 'not_found')
    expect(after.status).toBe('erased')
  })
})

describe('organization', () => {
  test('created: a personal organization belongs to its owner', () => {
    const after = given(organization)
      .when(() => createPersonal('uai'))
      .then([{ type: 'OrganizationCreated', data: { kind: 'personal', owner: 'uai' } }])
    expect(after).toEqual({ status: 'active', owner: 'uai' })
    expect(stateOf(organization, [])).toEqual({ status: 'none' })
  })
})
