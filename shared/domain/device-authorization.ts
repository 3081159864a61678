import type { Refusal } from '../errors.ts'
import type { Aggregate, Decision } from '../events/types.ts'
import { record, refuse } from './decision.ts'

/** Lifetime of a device code and polling interval, in seconds (RFC 8628 section 3.2). */
export const DEVICE_SECONDS = 900
export const POLL_SECONDS = 5
const SLOWER_SECONDS = 5
const SLOWEST_SECONDS = 60

export type DeviceFacts = {
  clientId: string
  scope: string[]
  resources: string[]
  deviceCodeHash: string
  userCodeHash: string
  expiresAt: string
}

export type DeviceAuthorizationEvent =
  | { type: 'DeviceAuthorizationRequested'; data: DeviceFacts; personal: { origin: string } }
  | { type: 'DeviceAuthorizationOpened'; data: { uai: string; sessionId: string } }
  | { type: 'DeviceAuthorizationApproved'; data: { uai: string; sessionId: string } }
  | { type: 'DeviceAuthorizationDenied'; data: { reason: 'person' | 'revoked' } }
  | { type: 'DevicePollingSlowed'; data: { interval: number } }
  | { type: 'DeviceCodeRedeemed'; data: { familyId: string } }

type Open = { facts: DeviceFacts; interval: number; sessionId?: string }

export type DeviceAuthorization =
  | { status: 'none' }
  | ({ status: 'pending' } & Open)
  | ({ status: 'denied' } & Open)
  | ({ status: 'approved' | 'redeemed'; uai: string; familyId?: string } & Open)

export const deviceAuthorization: Aggregate<DeviceAuthorization, DeviceAuthorizationEvent> = {
  type: 'device_authorization',
  initial: { status: 'none' },
  evolve(state, event) {
    if (event.type === 'DeviceAuthorizationRequested')
      return { status: 'pending', facts: event.data, interval: POLL_SECONDS }
    if (state.status === 'none') return state
    switch (event.type) {
      case 'DeviceAuthorizationOpened':
        return { ...state, sessionId: event.data.sessionId }
      case 'DeviceAuthorizationApproved':
        return { ...state, status: 'approved', uai: event.data.uai, sessionId: event.data.sessionId }
      case 'DeviceAuthorizationDenied':
        return { status: 'denied', facts: state.facts, interval: state.interval, sessionId: state.sessionId }
      case 'DevicePollingSlowed':
        return { ...state, interval: event.data.interval }
      case 'DeviceCodeRedeemed':
        return state.status === 'approved' ? { ...state, status: 'redeemed', familyId: event.data.familyId } : state
    }
  },
}

/** @param input.origin where the request came from, shown to the person who decides */
export function requestDevice(input: { facts: DeviceFacts; origin: string }): Decision<DeviceAuthorizationEvent> {
  return record({ type: 'DeviceAuthorizationRequested', data: input.facts, personal: { origin: input.origin } })
}

/** Whether this session may still decide: pending, not expired, and not opened by another session (docs/security-rules.md D7). */
export function isOpenTo(
  state: DeviceAuthorization,
  { sessionId, now }: { sessionId?: string; now: Date },
): state is Extract<DeviceAuthorization, { status: 'pending' }> {
  if (state.status !== 'pending' || new Date(state.facts.expiresAt) <= now) return false
  return state.sessionId === undefined || state.sessionId === sessionId
}

type Visitor = { uai: string; sessionId: string; now: Date }

/** Binds a code to the first session that opens it. */
export function openDevice(state: DeviceAuthorization, input: Visitor): Decision<DeviceAuthorizationEvent> {
  if (!isOpenTo(state, input)) return refuse('user_code_invalid')
  const { uai, sessionId } = input
  return { events: state.sessionId ? [] : [{ type: 'DeviceAuthorizationOpened', data: { uai, sessionId } }] }
}

export function approveDevice(state: DeviceAuthorization, input: Visitor): Decision<DeviceAuthorizationEvent> {
  if (!isOpenTo(state, input)) return refuse('user_code_invalid')
  const { uai, sessionId } = input
  return record({ type: 'DeviceAuthorizationApproved', data: { uai, sessionId } })
}

export function denyDevice(
  state: DeviceAuthorization,
  input: { sessionId?: string; now: Date },
): Decision<DeviceAuthorizationEvent> {
  if (!isOpenTo(state, input)) return refuse('user_code_invalid')
  return record({ type: 'DeviceAuthorizationDenied', data: { reason: 'person' } })
}

/** Withdraws an approval before the device has used it; afterwards, revoke its tokens instead. */
export function withdrawApproval(state: DeviceAuthorization): Decision<DeviceAuthorizationEvent> {
  return {
    events: state.status === 'approved' ? [{ type: 'DeviceAuthorizationDenied', data: { reason: 'revoked' } }] : [],
  }
}

/** Increases the polling interval of a client that polls too fast (RFC 8628 section 3.5). */
export function slowDown(state: DeviceAuthorization): Decision<DeviceAuthorizationEvent> {
  if (state.status !== 'pending') return { events: [] }
  const interval = Math.min(SLOWEST_SECONDS, state.interval + SLOWER_SECONDS)
  if (interval === state.interval) return refuse('slow_down')
  return refuse('slow_down', { type: 'DevicePollingSlowed', data: { interval } })
}

type DevicePoll = { deviceCodeHash: string; clientId: string; now: Date }

/** The error for a poll; undefined once the code can be redeemed (RFC 8628 section 3.5). */
export function pollRefusal(state: DeviceAuthorization, input: DevicePoll): Refusal | undefined {
  if (state.status === 'none' || state.facts.deviceCodeHash !== input.deviceCodeHash) return 'invalid_grant'
  if (state.facts.clientId !== input.clientId) return 'invalid_grant'
  if (state.status === 'redeemed') return 'invalid_grant'
  if (state.status === 'denied') return 'device_denied'
  if (new Date(state.facts.expiresAt) <= input.now) return 'expired_token'
  return state.status === 'pending' ? 'authorization_pending' : undefined
}

/** Redeems an approved device code, once. */
export function redeemDevice(
  state: DeviceAuthorization,
  input: DevicePoll & { familyId: string },
): Decision<DeviceAuthorizationEvent> {
  const refusal = pollRefusal(state, input)
  if (refusal) return refuse(refusal)
  return record({ type: 'DeviceCodeRedeemed', data: { familyId: input.familyId } })
}
