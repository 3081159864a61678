import type { Call } from '../call.ts'
import { type Channel, type Message, message, queue, recordAccepted, recordFailed } from '../domain/message.ts'
import { commit, type Work } from '../events/commit.ts'
import { findMessage } from '../queries/messages.ts'
import { sealBytes } from '../tokens/sealed.ts'
import { emailLookup } from '../typed/email.ts'
import type { DeliveryMessage, DeliveryResult } from './deliver.ts'

/** A message and the person it is about, where one is known. Its id is the id of its stream: a uuid v7. */
export type Outgoing = DeliveryMessage & { uai?: string }

const KEPT_MS = 86_400_000
const SUPPRESSED = { reason: 'suppressed', retryable: false, attempts: 0 }

const channelOf = ({ payload }: DeliveryMessage): Channel => (payload.type.endsWith('.sms') ? 'sms' : 'email')

/** What the address of a message is found by. */
export function addressLookup(message: DeliveryMessage): string {
  return channelOf(message) === 'email' ? emailLookup(message.payload.to) : message.payload.to
}

const templateOf = ({ payload }: DeliveryMessage) => ('kind' in payload ? `notice.${payload.kind}` : payload.type)

/** Whose the address in it is: the person's, or, while nobody is known by it, the message's own. */
const subjectOf = ({ id, uai }: Outgoing) => ({ subject: uai ?? id })

const queued = (outgoing: Outgoing) => ({
  ...{ channel: channelOf(outgoing), template: templateOf(outgoing), uai: outgoing.uai },
  ...{ address: outgoing.payload.to, lookup: addressLookup(outgoing) },
})

/** Notes in a unit of work that a message is about to go out; `deliverQueued` sends it once the unit is done. */
export function queueMessage(work: Work, outgoing: Outgoing): void {
  work.start(message, outgoing.id, subjectOf(outgoing)).decide((state) => queue(state, queued(outgoing)))
}

/** Notes that a message was not sent, since nothing may go to its address. */
export function noteSuppressed(work: Work, outgoing: Outgoing): void {
  const stream = work.start(message, outgoing.id, subjectOf(outgoing))
  stream.decide((state) => queue(state, queued(outgoing)))
  stream.decide((state) => recordFailed(state, SUPPRESSED))
}

/**
 * Sends a message that a unit of work has just queued and records what became of it, with what else follows from that.
 * @param also decides further facts in the same unit of work
 */
export async function deliverQueued(
  call: Call,
  outgoing: Outgoing,
  also?: (work: Work, result: DeliveryResult) => Promise<void>,
): Promise<DeliveryResult> {
  const state: Message = { status: 'queued', channel: channelOf(outgoing) }
  return settle(call, outgoing, { state, version: 1 }, also)
}

async function settle(
  call: Call,
  outgoing: Outgoing,
  known: { state: Message; version: number },
  also?: (work: Work, result: DeliveryResult) => Promise<void>,
): Promise<DeliveryResult> {
  const { uai, ...sent } = outgoing
  const result = await call.gateway.deliver(sent)
  let at: typeof known | undefined = known
  // What became of it is no act of the caller: their origin stands with the message, and to seal it again would cost a look-up.
  const { gateway, request } = call
  await commit({ gateway, request: { id: request.id } }, async (work) => {
    work.correlationId = outgoing.id
    const options = subjectOf(outgoing)
    // The provider's own news may have come first, and then the stream is read again.
    const stream = at ? work.resume(message, outgoing.id, at, options) : await work.load(message, outgoing.id, options)
    at = undefined
    const { attempts } = result
    stream.decide((state) =>
      result.status === 'accepted'
        ? recordAccepted(state, { provider: result.provider, providerId: result.providerId, attempts })
        : recordFailed(state, { reason: result.reason, retryable: result.retryable, attempts }),
    )
    await also?.(work, result)
  })
  return result
}

/** A message sealed under the key of the person it is for, so that it can be tried again for a day; nothing once they are forgotten. */
function keepForLater({ gateway, now }: Call, { uai, ...sent }: Outgoing, wrapped: Uint8Array | undefined) {
  if (!uai || !wrapped) return undefined
  const sealed = sealBytes(gateway.personal.unwrap(uai, wrapped), Buffer.from(JSON.stringify(sent)), sent.id)
  return { sealed, expiresAt: new Date(now().getTime() + KEPT_MS) }
}

/**
 * Sends a message once, however often it is asked to: what was accepted before is answered with what came of it then, what was not
 * may be tried again under the same id, which `sendUnsent` does for a day. Nothing goes to a suppressed address.
 */
export async function sendMessage(call: Call, outgoing: Outgoing): Promise<DeliveryResult> {
  const { gateway } = call
  const digest = gateway.personal.digest(addressLookup(outgoing))
  const wrapped = outgoing.uai ? await gateway.store.subjectKey(outgoing.uai) : undefined
  const kept = keepForLater(call, outgoing, wrapped)
  const before = await commit(call, async (work) => {
    work.correlationId = outgoing.id
    const { events, suppressed } = await findMessage(gateway.reads, { id: outgoing.id, digest })
    const stream = work.resume(message, outgoing.id, events, { ...subjectOf(outgoing), wrappedKey: wrapped })
    stream.decide((state) => queue(state, { ...queued(outgoing), kept }))
    if (suppressed) stream.decide((state) => recordFailed(state, SUPPRESSED))
    return { state: stream.state, version: Math.max(1, events.at(-1)?.version ?? 0), suppressed }
  })
  const { state, version, suppressed } = before
  if ('sent' in state && state.sent) return { status: 'accepted', ...state.sent }
  return suppressed ? { status: 'failed', ...SUPPRESSED } : settle(call, outgoing, { state, version })
}
