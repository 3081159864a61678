import type { Aggregate, Decision } from '../events/types.ts'
import { type DataOf, record } from './decision.ts'

/** For how long a remembered device is not asked for the second factor. */
export const REMEMBERED_SECONDS = 30 * 86_400

/** Why a device is no longer remembered. */
export type ForgetReason = 'person' | 'factors_changed' | 'recovery' | 'replaced' | 'disowned'

type RememberedDeviceEvent =
  | {
      type: 'DeviceRemembered'
      data: {
        uai: string
        /** Keyed hash of the browser's secret and the person. */
        keyHash: string
        expiresAt: string
      }
      personal: { userAgent: string }
    }
  | { type: 'DeviceForgotten'; data: { reason: ForgetReason } }

type RememberedDevice = { status: 'none' | 'remembered' | 'forgotten' }

/** A browser in which a person is not asked for the second factor again. It proves nothing: it only replaces the question. */
export const rememberedDevice: Aggregate<RememberedDevice, RememberedDeviceEvent> = {
  type: 'remembered_device',
  initial: { status: 'none' },
  evolve(_, event) {
    return { status: event.type === 'DeviceRemembered' ? 'remembered' : 'forgotten' }
  },
}

/** Remembers a browser for 30 days. @param input.userAgent personal data of the person */
export function remember({
  now,
  userAgent,
  ...facts
}: Omit<DataOf<RememberedDeviceEvent, 'DeviceRemembered'>, 'expiresAt'> & {
  userAgent: string
  now: Date
}): Decision<RememberedDeviceEvent> {
  const expiresAt = new Date(now.getTime() + REMEMBERED_SECONDS * 1000).toISOString()
  return record({ type: 'DeviceRemembered', data: { ...facts, expiresAt }, personal: { userAgent } })
}

/** Forgets a browser; forgetting it again changes nothing. */
export function forget({ status }: RememberedDevice, reason: ForgetReason): Decision<RememberedDeviceEvent> {
  return { events: status === 'remembered' ? [{ type: 'DeviceForgotten', data: { reason } }] : [] }
}
