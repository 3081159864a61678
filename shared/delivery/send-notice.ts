import type { Call } from '../call.ts'
import type { Work } from '../events/commit.ts'
import type { DeliveryResult, NoticeEmail } from './deliver.ts'
import { type Outgoing, sendAfterCommit, sendMessage } from './send-message.ts'

export type Notice = {
  /** A UUIDv7 that identifies what the notice is about: sent twice, it is one message. */
  id: string
  kind: NoticeEmail['kind']
  person: { uai: string; email: string; locale?: string }
  /** Path of the gateway's page where the person can act on it. */
  path: string
} & Pick<NoticeEmail, 'key_name' | 'key_preview' | 'expires_at' | 'at' | 'browser' | 'network'>

function messageOf({ gateway: { issuer } }: Call, notice: Notice): Outgoing {
  const { id, kind, person, path, key_name, ...details } = notice
  return {
    id,
    uai: person.uai,
    function: 'send-notice-email',
    payload: {
      ...{ type: 'notice.email', to: person.email, kind, origin: new URL(issuer).host, manage_url: `${issuer}${path}` },
      ...{ key_name: key_name?.slice(0, 200), ...details, locale: person.locale },
    },
  }
}

/** Notifies a person by e-mail of an event in their account. */
export const sendNotice = (call: Call, notice: Notice): Promise<DeliveryResult> =>
  sendMessage(call, messageOf(call, notice))

/** Notifies a person by e-mail of what a unit of work records: queues the notice in it, and sends it after the commit. */
export const sendNoticeAfter = (
  call: Call,
  work: Work,
  notice: Notice & { person: { wrappedKey: Uint8Array | null } },
): void => sendAfterCommit(call, work, messageOf(call, notice), notice.person.wrappedKey)
