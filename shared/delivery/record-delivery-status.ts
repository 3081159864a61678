import type { Call } from '../call.ts'
import { type DeliveryStatus, message, recordStatus } from '../domain/message.ts'
import { suppress, suppression } from '../domain/suppression.ts'
import { commit } from '../events/commit.ts'
import { newId } from '../ids.ts'
import { findSentMessage, isSuppressed } from '../queries/messages.ts'
import { emailLookup } from '../typed/email.ts'

/**
 * Records a delivery status reported by the provider. A permanent bounce or a spam complaint suppresses the address until an operator
 * lifts that. Statuses of unknown messages and duplicates change nothing.
 */
export async function recordDeliveryStatus(call: Call, id: string, reported: DeliveryStatus): Promise<void> {
  const { reads, personal } = call.gateway
  await commit(call, async (work) => {
    const sent = await findSentMessage(reads, personal, id)
    if (!sent) return
    const { events, subject, wrappedKey, address } = sent
    work.actor = { type: 'service', id: reported.provider }
    work.correlationId = id
    const stream = work.resume(message, id, events, { subject, wrappedKey })
    const before = stream.state.status
    const after = stream.decide((state) => recordStatus(state, reported)).status
    const cause =
      reported.kind === 'complained' || (reported.kind === 'bounced' && reported.permanent) ? reported.kind : undefined
    if (before === after || !cause || !address || !('channel' in stream.state)) return
    const { channel } = stream.state
    const lookup = channel === 'email' ? emailLookup(address) : address
    if (await isSuppressed(reads, personal.digest(lookup))) return
    const reason = reported.kind === 'bounced' ? reported.reason : undefined
    const made = newId()
    work
      .start(suppression, made, { subject: made })
      .decide(() => suppress({ address, lookup, channel, cause, reason, messageId: id }))
  })
}
