import { describe, expect, test } from 'vitest'
import * as messages from '../../shared/domain/message.ts'
import { lift, type SuppressionEvent, suppress, suppression } from '../../shared/domain/suppression.ts'
import { given, stateOf } from '../support/given.ts'

const address = 'Ada@Example.com'
const input = { channel: 'email', template: 'otp.email', address, lookup: 'ada@example.com' } as const
const queued: messages.MessageEvent = {
  type: 'MessageQueued',
  data: { channel: 'email', template: 'otp.email', uai: undefined },
  personal: { address },
  lookups: [{ kind: 'message_address', value: 'ada@example.com' }],
}
const sent = { provider: 'resend', providerId: 'mail-1', attempts: 1 }
const accepted: messages.MessageEvent = { type: 'MessageAccepted', data: sent }
const failed: messages.MessageEvent = {
  type: 'MessageFailed',
  data: { reason: 'provider_unavailable', attempts: 4, retryable: true },
}
const provider = 'resend'
const unconfirmed: messages.MessageEvent = { type: 'MessageUnconfirmed', data: {} }
const delivered: messages.MessageEvent = { type: 'MessageDelivered', data: { provider } }
const delayed: messages.MessageEvent = { type: 'MessageDelayed', data: { provider, reason: undefined } }
const bounced: messages.MessageEvent = { type: 'MessageBounced', data: { provider, permanent: true, reason: 'gone' } }
const complained: messages.MessageEvent = { type: 'MessageComplained', data: { provider } }

describe('a message', () => {
  test('queued once, its address personal, however often it is asked for', () => {
    given(messages.message)
      .when((state) => messages.queue(state, input))
      .then([queued])
    given(messages.message, queued)
      .when((state) => messages.queue(state, input))
      .then([])
  })

  test('accepted after a failure, since the same message may be tried again', () => {
    given(messages.message, queued, failed)
      .when((state) => messages.recordAccepted(state, sent))
      .then([accepted])
  })

  test('nothing for a failure that is reported after it was accepted, nor for a second acceptance', () => {
    const outcome = { reason: 'function_timeout', attempts: 4, retryable: true }
    given(messages.message, queued, accepted)
      .when((state) => messages.recordFailed(state, outcome))
      .then([])
    given(messages.message, queued, accepted)
      .when((state) => messages.recordAccepted(state, sent))
      .then([])
  })

  test('unconfirmed when its result was lost, until the provider reports it', () => {
    given(messages.message, queued).when(messages.recordUnconfirmed).then([unconfirmed])
    for (const known of [failed, accepted, delivered])
      given(messages.message, queued, known).when(messages.recordUnconfirmed).then([])
    given(messages.message, queued, unconfirmed)
      .when((state) => messages.recordAccepted(state, sent))
      .then([accepted])
    given(messages.message, queued, unconfirmed)
      .when((state) => messages.recordStatus(state, { kind: 'delivered', provider }))
      .then([delivered])
  })

  test('delivered, also when the webhook arrives before the answer of the provider', () => {
    const after = given(messages.message, queued, delivered)
      .when((state) => messages.recordAccepted(state, sent))
      .then([accepted])
    expect(after).toEqual({ status: 'delivered', channel: 'email', sent })
  })
})

describe('delivery status of a message', () => {
  const all: messages.DeliveryStatus[] = [
    { kind: 'delayed', provider },
    { kind: 'delivered', provider },
    { kind: 'bounced', provider, permanent: true, reason: 'gone' },
    { kind: 'complained', provider },
  ]
  const events = [delayed, delivered, bounced, complained]

  test.each(all.map((news, index) => [news.kind, news, events[index]] as const))('%s: one event', (_, news, event) => {
    if (!event) throw new Error('no event')
    given(messages.message, queued, accepted)
      .when((state) => messages.recordStatus(state, news))
      .then([event])
    given(messages.message, queued, accepted, event)
      .when((state) => messages.recordStatus(state, news))
      .then([])
  })

  test('nothing for an outdated status, or for an unknown message', () => {
    for (const [index, news] of all.entries())
      for (const later of events.slice(index))
        expect(messages.recordStatus(stateOf(messages.message, [queued, accepted, later]), news).events).toEqual([])
    for (const news of all) expect(messages.recordStatus({ status: 'none' }, news).events).toEqual([])
  })

  test('delivered after all, where the answer to the attempt was lost', () => {
    given(messages.message, queued, failed)
      .when((state) => messages.recordStatus(state, { kind: 'delivered', provider }))
      .then([delivered])
  })
})

describe('a suppression', () => {
  const why = { channel: 'email', cause: 'bounced', reason: 'gone', messageId: 'm' } as const
  const suppressed: SuppressionEvent = {
    type: 'AddressSuppressed',
    data: why,
    personal: { address },
    lookups: [{ kind: 'suppressed_address', value: 'ada@example.com' }],
  }

  test('suppressed: the address is personal, the cause is data', () => {
    given(suppression)
      .when(() => suppress({ address, lookup: 'ada@example.com', ...why }))
      .then([suppressed])
  })

  test('lifted once', () => {
    const lifted: SuppressionEvent = { type: 'SuppressionLifted', data: { reason: 'mended' } }
    given(suppression, suppressed)
      .when((state) => lift(state, 'mended'))
      .then([lifted])
    given(suppression, suppressed, lifted)
      .when((state) => lift(state, 'again'))
      .then([])
  })

  test('not_found: it does not exist', () => {
    given(suppression)
      .when((state) => lift(state, 'mended'))
      .then([], 'not_found')
  })
})
