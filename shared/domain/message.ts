import type { Aggregate, Decision } from '../events/types.ts'
import { record } from './decision.ts'

export type Channel = 'email' | 'sms'

/** The delivery status of a message, as far as it is known. */
export type MessageEvent =
  | {
      type: 'MessageQueued'
      /** `uai` is the person it is about, if known. */
      data: { channel: Channel; template: string; uai?: string }
      personal: { address: string }
      lookups: { kind: 'message_address'; value: string }[]
      secrets?: { name: 'message'; sealed: Uint8Array; expiresAt: Date }[]
    }
  | { type: 'MessageAccepted'; data: { provider: string; providerId: string; attempts: number } }
  | { type: 'MessageFailed'; data: { reason: string; attempts: number; retryable: boolean } }
  /** It may have been sent: the process ended before it recorded the result. */
  | { type: 'MessageUnconfirmed'; data: Record<string, never> }
  /** The provider delivered it to the mail server of the address, or to the phone. */
  | { type: 'MessageDelivered'; data: { provider: string } }
  | { type: 'MessageDelayed'; data: { provider: string; reason?: string } }
  /** It bounced; `permanent` when the address accepts no messages. */
  | { type: 'MessageBounced'; data: { provider: string; permanent: boolean; reason?: string } }
  /** Its recipient marked it as spam. */
  | { type: 'MessageComplained'; data: { provider: string } }

export type Message =
  | { status: 'none' }
  | { status: 'queued' | 'failed' | 'unconfirmed'; channel: Channel }
  | { status: 'accepted' | 'delayed' | 'delivered' | 'bounced' | 'complained'; channel: Channel; sent?: Sent }

type Sent = { provider: string; providerId: string; attempts: number }

export const message: Aggregate<Message, MessageEvent> = {
  type: 'message',
  initial: { status: 'none' },
  evolve(state, event) {
    if (event.type === 'MessageQueued') return { status: 'queued', channel: event.data.channel }
    if (state.status === 'none') return state
    const { channel } = state
    const sent = 'sent' in state ? state.sent : undefined
    switch (event.type) {
      case 'MessageAccepted':
        // A delivery status webhook may arrive before the response to the send request.
        return 'sent' in state ? { ...state, sent: event.data } : { status: 'accepted', channel, sent: event.data }
      case 'MessageFailed':
        return { status: 'failed', channel }
      case 'MessageUnconfirmed':
        return { status: 'unconfirmed', channel }
      case 'MessageDelayed':
        return { status: 'delayed', channel, sent }
      case 'MessageDelivered':
        return { status: 'delivered', channel, sent }
      case 'MessageBounced':
        return { status: 'bounced', channel, sent }
      case 'MessageComplained':
        return { status: 'complained', channel, sent }
    }
  },
}

/**
 * @param input.lookup the normalized address, for lookups
 * @param input.kept the sealed message, if it may be retried later
 */
export function queue(
  state: Message,
  input: {
    channel: Channel
    template: string
    address: string
    lookup: string
    uai?: string
    kept?: { sealed: Uint8Array; expiresAt: Date }
  },
): Decision<MessageEvent> {
  if (state.status !== 'none') return { events: [] }
  const { channel, template, address, lookup, uai, kept } = input
  const lookups = [{ kind: 'message_address' as const, value: lookup }]
  const secrets = kept && [{ name: 'message' as const, ...kept }]
  const data = { channel, template, uai }
  return record({ type: 'MessageQueued', data, personal: { address }, lookups, ...(secrets && { secrets }) })
}

export function recordAccepted(state: Message, sent: Sent): Decision<MessageEvent> {
  const known = 'sent' in state && state.sent !== undefined
  return { events: state.status === 'none' || known ? [] : [{ type: 'MessageAccepted', data: sent }] }
}

/** @param outcome.retryable whether the same message may be retried */
export function recordFailed(
  state: Message,
  outcome: { reason: string; attempts: number; retryable: boolean },
): Decision<MessageEvent> {
  const open = state.status === 'queued' || state.status === 'failed'
  return { events: open ? [{ type: 'MessageFailed', data: outcome }] : [] }
}

/** Records that the result of a message was lost. A later report of the provider still counts. */
export const recordUnconfirmed = (state: Message): Decision<MessageEvent> => ({
  events: state.status === 'queued' ? [{ type: 'MessageUnconfirmed', data: {} }] : [],
})

/** A delivery status reported by the provider. Statuses may arrive out of order or twice. */
export type DeliveryStatus =
  | { kind: 'delivered' | 'complained'; provider: string }
  | { kind: 'delayed'; provider: string; reason?: string }
  | { kind: 'bounced'; provider: string; permanent: boolean; reason?: string }

const RANK = {
  none: 0,
  queued: 1,
  failed: 1,
  unconfirmed: 1,
  accepted: 1,
  delayed: 2,
  delivered: 3,
  bounced: 4,
  complained: 5,
}

/** Records a delivery status, unless it is a duplicate or earlier than the current one. */
export function recordStatus(state: Message, reported: DeliveryStatus): Decision<MessageEvent> {
  if (state.status === 'none' || RANK[state.status] >= RANK[reported.kind]) return { events: [] }
  const { provider } = reported
  switch (reported.kind) {
    case 'delivered':
      return record({ type: 'MessageDelivered', data: { provider } })
    case 'complained':
      return record({ type: 'MessageComplained', data: { provider } })
    case 'delayed':
      return record({ type: 'MessageDelayed', data: { provider, reason: reported.reason } })
    case 'bounced': {
      const { permanent, reason } = reported
      return record({ type: 'MessageBounced', data: { provider, permanent, reason } })
    }
  }
}
