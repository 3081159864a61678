import type { ForgetReason } from '../../domain/remembered-device.ts'
import { session, weaken } from '../../domain/session.ts'
import type { Work } from '../../events/commit.ts'
import type { Gateway } from '../../gateway.ts'
import type { Person } from '../../queries/person.ts'
import { listStrongSessions } from '../../queries/sessions.ts'
import { forgetDevices } from './remembered-devices.ts'

/**
 * Records in a unit of work what follows from the removal of a person's factors: no device is remembered, and the assurance of running
 * sessions that the factors had raised falls.
 * @param removed ids of the factors
 */
export async function afterFactorRemoval(
  gateway: Gateway,
  work: Work,
  person: Pick<Person, 'members'>,
  { removed, reason }: { removed: string[]; reason: ForgetReason },
): Promise<void> {
  await forgetDevices(gateway, work, person, reason)
  const fallen = new Map<string, { amr: string[]; acr: string }>()
  for (const { id, uai, openedFrom } of await listStrongSessions(gateway.reads, person)) {
    const stream = await work.load(session, id, { subject: uai })
    const opener = openedFrom ? fallen.get(openedFrom) : undefined
    for (const factor of removed) stream.decide((state) => weaken(state, { removed: factor, opener }))
    if (stream.state.status === 'started') fallen.set(id, { amr: stream.state.amr, acr: stream.state.acr })
  }
}
