import { describe, expect, test } from 'vitest'
import {
  type ApiClient,
  type ApiClientEvent,
  apiClient,
  type ClientMetadata,
  changeAccountAccess,
  registerClient,
  reinstateClient,
  requireSoleHolder,
  rotateClientSecret,
  shareClient,
  suspendClient,
  updateClient,
} from '../../shared/domain/api-client.ts'
import { given, later, NOW, stateOf } from '../support/given.ts'

const metadata: ClientMetadata = {
  client_name: 'App',
  application_type: 'web',
  token_endpoint_auth_method: 'client_secret_basic',
  grant_types: ['authorization_code'],
  response_types: ['code'],
  redirect_uris: ['https://app.example.com/cb'],
  scope: 'read write',
  default_scope: 'read',
}
const registration = { clientId: 'app', firstParty: false, origin: 'operator' as const, metadata, secretHash: 'first' }
const registered: ApiClientEvent = { type: 'ClientRegistered', data: registration }
const isPublic: ApiClientEvent = {
  type: 'ClientRegistered',
  data: { ...registration, secretHash: undefined, metadata: { ...metadata, token_endpoint_auth_method: 'none' } },
}
const stored = { firstParty: false, accountAccess: 'none', isShared: false }
const suspended: ApiClientEvent = { type: 'ClientSuspended', data: { reason: 'abuse' } }
const rotation = { secretHash: 'second', overlapSeconds: 0, now: NOW }

describe('register', () => {
  test('registered: active, with its secret', () => {
    const after = given(apiClient)
      .when(() => registerClient(registration))
      .then([registered])
    expect(after).toEqual({ ...stored, status: 'active', metadata, secrets: [{ hash: 'first' }] })
  })

  test('registered: a public client has no secret', () => {
    const { after } = given(apiClient, isPublic).when(() => ({ events: [] }))
    expect(after).toMatchObject({ status: 'active', secrets: [] })
  })
})

describe('share', () => {
  const shareable: ApiClientEvent = {
    type: 'ClientRegistered',
    data: { ...isPublic.data, sharingKey: 'same' } as never,
  }
  const shared: ApiClientEvent = { type: 'ClientShared', data: {} }

  test('shared once: the second time says nothing new', () => {
    given(apiClient, shareable).when(shareClient).then([shared])
    given(apiClient, shareable, shared).when(shareClient).then([])
  })

  test('refused for values of one holder, or values that are not registered', () => {
    given(apiClient, isPublic).when(shareClient).then([], 'stale')
    for (const change of [{ type: 'ClientUpdated', data: { metadata } } as const, suspended])
      given(apiClient, shareable, change).when(shareClient).then([], 'stale')
  })

  test('its holder is not the only one any more', () => {
    given(apiClient, shareable).when(requireSoleHolder).then([])
    given(apiClient, shareable, shared).when(requireSoleHolder).then([], 'invalid_token')
  })
})

describe('update', () => {
  test('updated: new metadata, the secret and a suspension stay', () => {
    const renamed = { ...metadata, client_name: 'Other' }
    const after = given(apiClient, registered, suspended)
      .when((state) => updateClient(state, renamed))
      .then([{ type: 'ClientUpdated', data: { metadata: renamed } }])
    expect(after).toEqual({ ...stored, status: 'suspended', metadata: renamed, secrets: [{ hash: 'first' }] })
  })
})

describe('rotate secret', () => {
  test('rotated: without overlap the old secret stops working immediately', () => {
    given(apiClient, registered)
      .when((state) => rotateClientSecret(state, rotation))
      .then([{ type: 'ClientSecretRotated', data: { secrets: [{ hash: 'second' }] } }])
  })

  test('rotated: with overlap the old secret has an end', () => {
    given(apiClient, registered)
      .when((state) => rotateClientSecret(state, { ...rotation, overlapSeconds: 3600 }))
      .then([
        {
          type: 'ClientSecretRotated',
          data: { secrets: [{ hash: 'second' }, { hash: 'first', expiresAt: later(3600).toISOString() }] },
        },
      ])
  })

  test('rotated: of three secrets the oldest is gone', () => {
    const first: ApiClientEvent = {
      type: 'ClientSecretRotated',
      data: { secrets: [{ hash: 'second' }, { hash: 'first', expiresAt: later(3600).toISOString() }] },
    }
    given(apiClient, registered, first)
      .when((state) => rotateClientSecret(state, { ...rotation, secretHash: 'third', overlapSeconds: 60 }))
      .then([
        {
          type: 'ClientSecretRotated',
          data: { secrets: [{ hash: 'third' }, { hash: 'second', expiresAt: later(60).toISOString() }] },
        },
      ])
  })

  test('rotated: the first secret of a seeded confidential client', () => {
    given(apiClient, { type: 'ClientRegistered', data: { ...registration, secretHash: undefined } })
      .when((state) => rotateClientSecret(state, { ...rotation, overlapSeconds: 3600 }))
      .then([{ type: 'ClientSecretRotated', data: { secrets: [{ hash: 'second' }] } }])
  })

  test('invalid_request: a public client has no secret to rotate', () => {
    given(apiClient, isPublic)
      .when((state) => rotateClientSecret(state, rotation))
      .then([], 'invalid_request')
  })
})

describe('suspend and reinstate', () => {
  test('suspended and reinstated: each once', () => {
    const reinstated: ApiClientEvent = { type: 'ClientReinstated', data: { reason: 'sorry' } }
    given(apiClient, registered)
      .when((state) => suspendClient(state, 'abuse'))
      .then([suspended])
    const after = given(apiClient, registered, suspended)
      .when((state) => reinstateClient(state, 'sorry'))
      .then([reinstated])
    expect(after.status).toBe('active')
  })

  test('nothing: suspending a suspended client, reinstating an active one', () => {
    given(apiClient, registered, suspended)
      .when((state) => suspendClient(state, 'again'))
      .then([])
    given(apiClient, registered)
      .when((state) => reinstateClient(state, 'again'))
      .then([])
  })
})

describe('account access', () => {
  const ourData = { ...registration, firstParty: true }
  const ours: ApiClientEvent = { type: 'ClientRegistered', data: ourData }
  const everyday: ApiClientEvent = { type: 'ClientAccountAccessChanged', data: { accountAccess: 'everyday' } }
  const none: ApiClientEvent = { type: 'ClientAccountAccessChanged', data: { accountAccess: 'none' } }

  test('changed: granted to a LanOnasis application and withdrawn, each once', () => {
    given(apiClient, ours)
      .when((state) => changeAccountAccess(state, 'everyday'))
      .then([everyday])
    given(apiClient, ours, everyday)
      .when((state) => changeAccountAccess(state, 'everyday'))
      .then([])
    given(apiClient, ours, everyday)
      .when((state) => changeAccountAccess(state, 'none'))
      .then([none])
  })

  test('changed: registered with it, as the seeded applications are', () => {
    const seeded: ApiClientEvent = { type: 'ClientRegistered', data: { ...ourData, accountAccess: 'everyday' } }
    given(apiClient, seeded)
      .when((state) => changeAccountAccess(state, 'none'))
      .then([none])
  })

  test('unauthorized_client: no other application may have it', () => {
    given(apiClient, registered)
      .when((state) => changeAccountAccess(state, 'everyday'))
      .then([], 'unauthorized_client')
  })
})

describe('unknown client', () => {
  test.each([
    ['update', (state: ApiClient) => updateClient(state, metadata)],
    ['rotate', (state: ApiClient) => rotateClientSecret(state, rotation)],
    ['account access', (state: ApiClient) => changeAccountAccess(state, 'everyday')],
    ['suspend', (state: ApiClient) => suspendClient(state, 'why')],
    ['reinstate', (state: ApiClient) => reinstateClient(state, 'why')],
  ])('not_found: %s', (_name, decision) => {
    given(apiClient).when(decision).then([], 'not_found')
  })

  test('none: events without a registration make no client', () => {
    expect(stateOf(apiClient, [suspended])).toEqual({ status: 'none' })
  })
})
