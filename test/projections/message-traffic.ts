import { uuidv7 } from 'uuidv7'
import * as messages from '../../shared/domain/message.ts'
import * as breakers from '../../shared/domain/sms-breaker.ts'
import * as suppressions from '../../shared/domain/suppression.ts'
import { pick, type Unit } from './unit.ts'

/** Messages that arrive, come back or are called unwanted, and addresses that get no more of them. */
export function createMessageTraffic(unit: Unit) {
  const sent: string[] = []
  const stopped: string[] = []
  const tripped: string[] = []
  const provider = 'resend'

  return {
    async message(n: number): Promise<void> {
      const id = uuidv7()
      const address = `reader-${n % 20}@example.test`
      const sms = n % 4 === 0
      await unit(async (work) => {
        const stream = work.start(messages.message, id, { subject: id })
        const what = sms
          ? { channel: 'sms', template: 'otp.sms' }
          : { channel: 'email', template: 'notice.phone_added' }
        stream.decide((state) =>
          messages.queue(state, { ...what, address, lookup: address } as Parameters<typeof messages.queue>[1]),
        )
        if (n % 5 === 0)
          stream.decide((state) => messages.recordFailed(state, { reason: 'http_500', attempts: 4, retryable: true }))
        if (n % 7 === 0) stream.decide(messages.recordUnconfirmed)
        if (n % 3 !== 0)
          stream.decide((state) => messages.recordAccepted(state, { provider, providerId: `mail-${n}`, attempts: 1 }))
      })
      sent.push(id)
    },

    async news(n: number): Promise<void> {
      const id = pick(sent, n)
      if (!id) return
      const news: messages.DeliveryStatus[] = [
        { kind: 'delayed', provider, reason: 'mailbox_full' },
        { kind: 'delivered', provider },
        { kind: 'bounced', provider, permanent: n % 2 === 0, reason: 'no_such_mailbox' },
        { kind: 'complained', provider },
      ]
      await unit(async (work) => {
        const stream = await work.load(messages.message, id, { subject: id })
        stream.decide((state) => messages.recordStatus(state, pick(news, n) ?? { kind: 'delivered', provider }))
        stream.decide((state) => messages.recordAccepted(state, { provider, providerId: `mail-${n}`, attempts: 2 }))
      })
    },

    async suppression(n: number): Promise<void> {
      const id = n % 3 === 0 ? pick(stopped, n) : undefined
      await unit(async (work) => {
        if (id) {
          const stream = await work.load(suppressions.suppression, id, { subject: id })
          stream.decide((state) => suppressions.lift(state, 'test'))
          return
        }
        const made = uuidv7()
        const address = `reader-${n % 20}@example.test`
        const why = { channel: 'email', cause: n % 2 ? 'bounced' : 'complained', messageId: sent[0] } as const
        work
          .start(suppressions.suppression, made, { subject: made })
          .decide(() => suppressions.suppress({ address, lookup: address, ...why }))
        stopped.push(made)
      })
    },

    async smsBreaker(n: number): Promise<void> {
      const id = n % 3 === 0 ? pick(tripped, n) : undefined
      await unit(async (work) => {
        if (id) {
          const stream = await work.load(breakers.smsBreaker, id, {})
          stream.decide((state) => breakers.liftBreaker(state, 'test'))
          return
        }
        const made = uuidv7()
        // One that is tripped already cannot be tripped again, so each has a country or a time of its own.
        const country = made.slice(-12)
        const trip =
          n % 2
            ? breakers.watchPumping({ country, sent: 40, entered: 1, least: 30, earlier: 0, now: new Date(n * 1e9) })
            : breakers.stopForToday({ cap: 1000, waitSeconds: 60 * (n + tripped.length), now: new Date(n * 1e9) })
        tripped.push(made)
        work.start(breakers.smsBreaker, made, {}).decide(() => ({ events: trip.events }))
      }).catch(() => undefined)
    },
  }
}
