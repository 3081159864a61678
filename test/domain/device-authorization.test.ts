import { describe, expect, test } from 'vitest'
import {
  approveDevice,
  DEVICE_SECONDS,
  type DeviceAuthorizationEvent,
  type DeviceFacts,
  denyDevice,
  deviceAuthorization,
  openDevice,
  redeemDevice,
  slowDown,
  withdrawApproval,
} from '../../shared/domain/device-authorization.ts'
import { given, later, NOW, stateOf } from '../support/given.ts'

const facts: DeviceFacts = {
  clientId: 'client',
  scope: ['memories:read'],
  resources: [],
  deviceCodeHash: 'd',
  userCodeHash: 'u',
  expiresAt: later(DEVICE_SECONDS).toISOString(),
}
const requested: DeviceAuthorizationEvent = {
  type: 'DeviceAuthorizationRequested',
  data: facts,
  personal: { origin: '{}' },
}
const visitor = { uai: 'ada', sessionId: 's1', now: NOW }
const opened: DeviceAuthorizationEvent = { type: 'DeviceAuthorizationOpened', data: { uai: 'ada', sessionId: 's1' } }
const approved: DeviceAuthorizationEvent = {
  type: 'DeviceAuthorizationApproved',
  data: { uai: 'ada', sessionId: 's1' },
}
const denied: DeviceAuthorizationEvent = { type: 'DeviceAuthorizationDenied', data: { reason: 'person' } }
const redeemed: DeviceAuthorizationEvent = { type: 'DeviceCodeRedeemed', data: { familyId: 'f' } }
const poll = { deviceCodeHash: 'd', clientId: 'client', now: NOW, familyId: 'f' }

describe('open', () => {
  test('the first session owns it, and may open it again', () => {
    given(deviceAuthorization, requested)
      .when((state) => openDevice(state, visitor))
      .then([opened])
    given(deviceAuthorization, requested, opened)
      .when((state) => openDevice(state, visitor))
      .then([])
  })

  test.each([
    ['another session', [requested, opened], { ...visitor, sessionId: 's2' }],
    ['an expired code', [requested], { ...visitor, now: later(DEVICE_SECONDS + 1) }],
    ['an approved one', [requested, approved], visitor],
    ['one that is not there', [], visitor],
  ] as const)('user_code_invalid: %s, for opening, approving and denying', (_name, history, input) => {
    for (const decide of [openDevice, approveDevice, denyDevice])
      given(deviceAuthorization, ...history)
        .when((state) => decide(state, input))
        .then([], 'user_code_invalid')
  })
})

describe('poll', () => {
  test.each([
    ['authorization_pending', [requested], poll],
    ['device_denied', [requested, denied], poll],
    ['expired_token', [requested], { ...poll, now: later(DEVICE_SECONDS + 1) }],
    ['invalid_grant', [requested, approved, redeemed], poll],
    ['invalid_grant', [requested, approved], { ...poll, clientId: 'other' }],
    ['invalid_grant', [requested, approved], { ...poll, deviceCodeHash: 'x' }],
    ['invalid_grant', [], poll],
  ] as const)('%s after %#', (refusal, history, input) => {
    given(deviceAuthorization, ...history)
      .when((state) => redeemDevice(state, input))
      .then([], refusal)
  })

  test('redeemed once it is approved', () => {
    given(deviceAuthorization, requested, opened, approved)
      .when((state) => redeemDevice(state, poll))
      .then([redeemed])
  })

  test('slow_down adds five seconds each time, to a minute at most', () => {
    let state = stateOf(deviceAuthorization, [requested])
    const intervals: number[] = []
    for (let n = 0; n < 13; n++) {
      const { events, refuse } = slowDown(state)
      expect(refuse).toBe('slow_down')
      state = events.reduce(deviceAuthorization.evolve, state)
      if (state.status === 'pending') intervals.push(state.interval)
    }
    expect(intervals.slice(0, 3)).toEqual([10, 15, 20])
    expect(Math.max(...intervals)).toBe(60)
  })
})

test('an approval can be withdrawn before the device has used it, not after', () => {
  given(deviceAuthorization, requested, approved)
    .when(withdrawApproval)
    .then([{ type: 'DeviceAuthorizationDenied', data: { reason: 'revoked' } }])
  given(deviceAuthorization, requested, approved, redeemed).when(withdrawApproval).then([])
})
