import type { Call } from '../call.ts'
import type { DeliveryResult, NoticeEmail } from './deliver.ts'
import { sendMessage } from './send-message.ts'

export type Notice = {
  /** A uuid v7 that names what the person is told of: told twice, it is one message. */
  id: string
  kind: NoticeEmail['kind']
  person: { uai: string; email: string; locale?: string }
  /** Where the person can do something about it: a path of this gateway. */
  path: string
} & Pick<NoticeEmail, 'key_name' | 'key_preview' | 'expires_at'>

/** Tells a person by mail what happened to their account. */
export function sendNotice(call: Call, notice: Notice): Promise<DeliveryResult> {
  const { issuer } = call.gateway
  const { id, kind, person, path, key_name, key_preview, expires_at } = notice
  return sendMessage(call, {
    id,
    uai: person.uai,
    function: 'send-notice-email',
    payload: {
      ...{ type: 'notice.email', to: person.email, kind, origin: new URL(issuer).host, manage_url: `${issuer}${path}` },
      ...{ key_name: key_name?.slice(0, 200), key_preview, expires_at, locale: person.locale },
    },
  })
}
