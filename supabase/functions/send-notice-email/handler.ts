import { sendEmail } from '../_shared/email.ts'
import type { Env } from '../_shared/env.ts'
import { signedEndpoint } from '../_shared/signed-endpoint.ts'
import { renderNoticeEmail } from '../_shared/templates/notice-email.ts'
import { parseNoticeEmail } from './payload.ts'

/** The function `send-notice-email`: a signed message in, one mail about something that happened to an account out. */
export function createHandler(env: Env): (request: Request) => Promise<Response> {
  return signedEndpoint({
    name: 'send-notice-email',
    env,
    parse: parseNoticeEmail,
    deliver: ({ id, payload, again, signal }) =>
      sendEmail(env, { id, to: payload.to, category: 'notice', ...renderNoticeEmail(payload) }, again, signal),
  })
}
