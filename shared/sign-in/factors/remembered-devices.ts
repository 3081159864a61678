import { createHmac, randomBytes } from 'node:crypto'
import { isOperator } from '../../access/operator.ts'
import type { Call } from '../../call.ts'
import { isHttps } from '../../config.ts'
import {
  type ForgetReason,
  forget,
  REMEMBERED_SECONDS,
  remember,
  rememberedDevice,
} from '../../domain/remembered-device.ts'
import { GatewayError } from '../../errors.ts'
import { aboutPerson, commit, type Work } from '../../events/commit.ts'
import type { Gateway } from '../../gateway.ts'
import { newId } from '../../ids.ts'
import type { Person } from '../../queries/person.ts'
import { listRememberedDevices, type RememberedDeviceRow } from '../../queries/second-factor.ts'

const NAME = 'lanonasis_device'
const SECRET = /^[A-Za-z0-9_-]{43}$/

const cookieName = () => (isHttps() ? `__Host-${NAME}` : NAME)

/** The secret of this browser, which all people who use it share. */
function secretOf(call: Call): string | undefined {
  const value = call.request.cookies[cookieName()]
  return value && SECRET.test(value) ? value : undefined
}

const keyHashOf = ({ ring }: Gateway, secret: string, uai: string) =>
  createHmac('sha256', ring.key('remembered-device')).update(`${secret} ${uai}`).digest('hex')

/** Whether a device may be remembered for a person: operators are always asked, and everyone is where the policy is `always`. */
export const mayRemember = ({ config }: Gateway, person: Person) =>
  config.SECOND_FACTOR_POLICY !== 'always' && !isOperator(person)

/** Whether the person chose in this browser not to be asked again, and nothing has ended that since. */
export async function isRemembered(call: Call, person: Person): Promise<boolean> {
  const { gateway } = call
  const secret = secretOf(call)
  if (!secret || !mayRemember(gateway, person)) return false
  const devices = await listRememberedDevices(gateway.reads, gateway.personal, person)
  return devices.some(({ uai, keyHash }) => keyHash === keyHashOf(gateway, secret, uai))
}

/**
 * Remembers this browser in a unit of work, in place of an earlier time.
 * @returns what sets its cookie once that is recorded
 */
export async function rememberDevice(call: Call, work: Work, person: Person): Promise<() => void> {
  const { gateway } = call
  const secret = secretOf(call) ?? randomBytes(32).toString('base64url')
  const keyHash = keyHashOf(gateway, secret, person.uai)
  await forgetDevices(gateway, work, person, 'replaced', (device) => device.keyHash === keyHash)
  const facts = { uai: person.uai, keyHash, userAgent: call.request.userAgent ?? '', now: gateway.now() }
  work.start(rememberedDevice, newId(), aboutPerson(person)).decide(() => remember(facts))
  const attributes = { path: '/', httpOnly: true, sameSite: 'Lax' as const, secure: isHttps() }
  return () => call.setCookie(cookieName(), secret, { ...attributes, maxAge: REMEMBERED_SECONDS })
}

/** Forgets the remembered devices of a person in a unit of work: after a change of factors, all of them. */
export async function forgetDevices(
  { reads, personal }: Gateway,
  work: Work,
  person: Pick<Person, 'members'>,
  reason: ForgetReason,
  which: (device: RememberedDeviceRow & { keyHash: string }) => boolean = () => true,
): Promise<number> {
  const devices = (await listRememberedDevices(reads, personal, person)).filter(which)
  for (const { id, version, uai, wrappedKey } of devices) {
    const from = { state: { status: 'remembered' as const }, version }
    work.resume(rememberedDevice, id, from, aboutPerson({ uai, wrappedKey })).decide((state) => forget(state, reason))
  }
  return devices.length
}

/** Forgets one device of a person. @throws GatewayError not_found if it is not theirs */
export async function forgetDevice(call: Call, person: Person, id: string): Promise<void> {
  await commit(call, async (work) => {
    work.actor = { type: 'person', id: person.uai }
    const forgotten = await forgetDevices(call.gateway, work, person, 'person', (device) => device.id === id)
    if (forgotten === 0) throw new GatewayError('not_found')
  })
}
