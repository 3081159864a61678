import { type Call, createCall } from '../call.ts'
import {
  type Channel,
  type Message,
  message,
  queue,
  recordAccepted,
  recordFailed,
  recordUnconfirmed,
} from '../domain/message.ts'
import { commit, type Work } from '../events/commit.ts'
import type { Gateway } from '../gateway.ts'
import { log } from '../log.ts'
import { findMessage, listUnconfirmed, listUnsent } from '../queries/messages.ts'
import { openBytes, sealBytes } from '../tokens/sealed.ts'
import { emailLookup } from '../typed/email.ts'
import type { DeliveryMessage, DeliveryResult } from './deliver.ts'

/** A message and the person it is about, if known. Its id is the id of its stream: a UUIDv7. */
export type Outgoing = DeliveryMessage & { uai?: string }

const KEPT_MS = 86_400_000
const SUPPRESSED = { reason: 'suppressed', retryable: false, attempts: 0 }

const channelOf = ({ payload }: DeliveryMessage): Channel => (payload.type.endsWith('.sms') ? 'sms' : 'email')

/** The lookup value of a message's address. */
function addressLookup(message: DeliveryMessage): string {
  return channelOf(message) === 'email' ? emailLookup(message.payload.to) : message.payload.to
}

const templateOf = ({ payload }: DeliveryMessage) => ('kind' in payload ? `notice.${payload.kind}` : payload.type)

/** The subject whose key encrypts the address: the person, or the message itself if no person is known. */
const subjectOf = ({ id, uai }: Outgoing) => ({ subject: uai ?? id })

const withoutPerson = ({ uai, ...sent }: Outgoing): DeliveryMessage => sent

const queued = (outgoing: Outgoing) => ({
  ...{ channel: channelOf(outgoing), template: templateOf(outgoing), uai: outgoing.uai },
  ...{ address: outgoing.payload.to, lookup: addressLookup(outgoing) },
})

/** Queues a message in a unit of work; `deliverQueued` sends it after the commit. */
export function queueMessage(work: Work, outgoing: Outgoing): void {
  work.start(message, outgoing.id, subjectOf(outgoing)).decide((state) => queue(state, queued(outgoing)))
}

/** Queues a message about a person in a unit of work, unless that is refused, and sends it after the commit, in the background. */
export function sendAfterCommit(call: Call, work: Work, outgoing: Outgoing, wrappedKey: Uint8Array | null): void {
  work.atEnd(() => {
    const kept = keepForLater(call, outgoing, wrappedKey)
    const stream = work.start(message, outgoing.id, { ...subjectOf(outgoing), wrappedKey })
    stream.decide((state) => queue(state, { ...queued(outgoing), kept }))
    return () => call.later(sendMessage(call, outgoing))
  })
}

/** Records a message that is not sent because its address is suppressed. */
export function noteSuppressed(work: Work, outgoing: Outgoing): void {
  const stream = work.start(message, outgoing.id, subjectOf(outgoing))
  stream.decide((state) => queue(state, queued(outgoing)))
  stream.decide((state) => recordFailed(state, SUPPRESSED))
}

type Known = { state: Message; version: number }

/**
 * Records the result of a message. No response waits for an accepted one: if the process ends first, the provider's delivery status or
 * `recordUnconfirmed` completes the record.
 * @param also makes further decisions in the same unit of work
 */
async function recordResult(
  { gateway, request }: Call,
  outgoing: Outgoing,
  { result, known }: { result: DeliveryResult; known: Known },
  also?: (work: Work) => Promise<void>,
): Promise<void> {
  let at: Known | undefined = known
  // The result is not an action of the caller. Their origin is recorded with the message; sealing it again would cost a lookup.
  await commit({ gateway, request: { id: request.id } }, async (work) => {
    work.correlationId = outgoing.id
    work.patient = result.status === 'accepted'
    const options = subjectOf(outgoing)
    // The delivery status webhook may have arrived first; then the stream is read again.
    const stream = at ? work.resume(message, outgoing.id, at, options) : await work.load(message, outgoing.id, options)
    at = undefined
    const { attempts } = result
    stream.decide((state) =>
      result.status === 'accepted'
        ? recordAccepted(state, { provider: result.provider, providerId: result.providerId, attempts })
        : recordFailed(state, { reason: result.reason, retryable: result.retryable, attempts }),
    )
    await also?.(work)
  })
}

/**
 * Sends a message that a unit of work has just queued. A failure is recorded before this returns, an acceptance after the response.
 * @param onFailure makes further decisions in the unit of work that records a failure
 */
export async function deliverQueued(
  call: Call,
  outgoing: Outgoing,
  onFailure: (work: Work, reason: string) => Promise<void>,
): Promise<DeliveryResult> {
  const known: Known = { state: { status: 'queued', channel: channelOf(outgoing) }, version: 1 }
  const result = await call.gateway.deliver(withoutPerson(outgoing))
  if (result.status === 'accepted') call.later(recordResult(call, outgoing, { result, known }))
  else await recordResult(call, outgoing, { result, known }, (work) => onFailure(work, result.reason))
  return result
}

/** Seals a message under its person's key, so that it can be retried for a day; undefined once they are erased. */
function keepForLater({ gateway, now }: Call, outgoing: Outgoing, wrapped: Uint8Array | null | undefined) {
  const { id, uai } = outgoing
  if (!uai || !wrapped) return undefined
  const text = JSON.stringify(withoutPerson(outgoing))
  const sealed = sealBytes(gateway.personal.unwrap(uai, wrapped), Buffer.from(text), id)
  return { sealed, expiresAt: new Date(now().getTime() + KEPT_MS) }
}

/**
 * Sends a message at most once per id: for an accepted message, returns the earlier result; one that was not accepted may be retried
 * under the same id, which `sendUnsent` does for a day. Nothing is sent to a suppressed address.
 */
export async function sendMessage(call: Call, outgoing: Outgoing): Promise<DeliveryResult> {
  const { gateway } = call
  const digest = gateway.personal.digest(addressLookup(outgoing))
  const before = await commit(call, async (work) => {
    work.correlationId = outgoing.id
    const { events, suppressed } = await findMessage(gateway.reads, { id: outgoing.id, digest })
    const { uai } = outgoing
    const wrappedKey = uai && events.length === 0 ? await gateway.store.subjectKey(uai) : undefined
    const stream = work.resume(message, outgoing.id, events, { ...subjectOf(outgoing), wrappedKey })
    stream.decide((state) => queue(state, { ...queued(outgoing), kept: keepForLater(call, outgoing, wrappedKey) }))
    if (suppressed) stream.decide((state) => recordFailed(state, SUPPRESSED))
    return { state: stream.state, version: Math.max(1, events.at(-1)?.version ?? 0), suppressed }
  })
  const { state, version, suppressed } = before
  if ('sent' in state && state.sent) return { status: 'accepted', ...state.sent }
  if (suppressed) return { status: 'failed', ...SUPPRESSED }
  const result = await gateway.deliver(withoutPerson(outgoing))
  await recordResult(call, outgoing, { result, known: { state, version } })
  return result
}

const BATCH = 50

/**
 * Sends queued messages that were not sent because the provider was down or the process ended. Works in batches; each message keeps
 * its id, so that it is sent at most once. Returns how many were accepted.
 */
export async function sendUnsent(gateway: Gateway): Promise<number> {
  const { reads, personal } = gateway
  let taken = 0
  for (const { id, uai, wrappedKey, sealed } of await listUnsent(reads, BATCH)) {
    const kept = openBytes(personal.unwrap(uai, wrappedKey), sealed, id).toString()
    const outgoing = { ...(JSON.parse(kept) as DeliveryMessage), uai }
    const result = await sendMessage(createCall(gateway), outgoing)
    if (result.status === 'accepted') taken += 1
    else log.warn('a message was not sent', { reason: result.reason, message: id })
  }
  return taken
}

/** Settles messages whose result was lost with the process that sent them, and that are not retried. Returns how many. */
export async function settleUnconfirmed(gateway: Gateway): Promise<number> {
  const found = await listUnconfirmed(gateway.reads, BATCH)
  await Promise.all(
    found.map(({ id, subject }) =>
      commit(createCall(gateway), async (work) => {
        work.actor = { type: 'system', id: 'maintenance' }
        work.correlationId = id
        const stream = await work.load(message, id, { subject })
        stream.decide(recordUnconfirmed)
      }),
    ),
  )
  return found.length
}
