import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { Webhook } from 'standardwebhooks'
import { twilioSignature } from '../../shared/delivery/twilio-status.ts'
import type { TwilioAccount } from './twilio-api.ts'

const SOON_MS = 500

/** Mailboxes that fail as Resend's test mailboxes of the same names do. */
const FAILURES: Record<string, { type: string; bounce?: object }> = {
  bounced: { type: 'email.bounced', bounce: { type: 'Permanent', subType: 'General', message: 'no such mailbox' } },
  complained: { type: 'email.complained' },
}

/** A mail whose delivery status is reported. */
export type AcceptedMail = { id: string; to: string; tags: { name: string; value: string }[] }

/** Posts the delivery status of messages as Resend and Twilio do, with their signatures; ignores a receiver that does not answer. */
export function createStatusReports(options: { webhook?: { url: string; secret: string }; account: TwilioAccount }) {
  const { webhook, account } = options
  const post = async (url: string, headers: Record<string, string>, body: string) => {
    await sleep(SOON_MS)
    await fetch(url, { method: 'POST', headers, body, signal: AbortSignal.timeout(5_000) }).catch(() => undefined)
  }

  return {
    mail({ id, to, tags }: AcceptedMail): void {
      if (!webhook) return
      const { type, bounce } = FAILURES[/^[a-z]+/.exec(to)?.[0] ?? ''] ?? { type: 'email.delivered' }
      const data = {
        email_id: id,
        to: [to],
        bounce,
        tags: Object.fromEntries(tags.map((tag) => [tag.name, tag.value])),
      }
      const body = JSON.stringify({ type, created_at: new Date().toISOString(), data })
      const [messageId, at] = [randomUUID(), new Date()]
      const headers = {
        'content-type': 'application/json',
        'svix-id': messageId,
        'svix-timestamp': String(Math.floor(at.getTime() / 1000)),
        'svix-signature': new Webhook(webhook.secret).sign(messageId, at, body),
      }
      void post(webhook.url, headers, body)
    },

    sms({ sid, to, statusCallback }: { sid: string; to: string; statusCallback: string }): void {
      const fields = new URLSearchParams({ MessageSid: sid, MessageStatus: 'delivered', To: to })
      fields.set('AccountSid', account.accountSid)
      const headers = {
        'content-type': 'application/x-www-form-urlencoded',
        'x-twilio-signature': twilioSignature(account.authToken, statusCallback, fields),
      }
      void post(statusCallback, headers, fields.toString())
    },
  }
}
