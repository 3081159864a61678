import { sendEmail } from '../_shared/email.ts'
import type { Env } from '../_shared/env.ts'
import { signedEndpoint } from '../_shared/signed-endpoint.ts'
import { renderNoticeEmail } from '../_shared/templates/notice-email.ts'
import { parseNoticeEmail } from './payload.ts'

/** The function `send-notice-email`: sends one mail about a change of an account for a signed message. */
export function createHandler(env: Env): (request: Request) => Promise<Response> {
  return signedEndpoint({
    name: 'send-notice-email',
    env,
    parse: parseNoticeEmail,
    deliver: ({ id, payload, again, signal }) =>
      sendEmail(env, { id, to: payload.to, category: 'notice', ...renderNoticeEmail(payload) }, again, signal),
  })
}
