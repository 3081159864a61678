import { sendEmail } from '../_shared/email.ts'
import { parseEmail } from '../_shared/email-address.ts'
import { signedEndpoint } from '../_shared/endpoint.ts'
import type { Env } from '../_shared/env.ts'
import { fieldsOf, isOptionalText, isText, parseEnvelope } from '../_shared/payload.ts'
import { renderNoticeEmail } from '../_shared/templates/notice-email.ts'
import { NOTICE_KINDS } from '../_shared/templates/words.ts'

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

/**
 * Parses `{type: "notice.email", to, kind, origin, manage_url, key_name?, key_preview?, expires_at?, at?, browser?, network?, locale?,
 * brand?}`.
 */
function parseNoticeEmail(body: unknown) {
  const envelope = parseEnvelope(body, 'notice.email', parseEmail)
  const fields = fieldsOf(body)
  const { manage_url: manageUrl, key_name: keyName, key_preview: keyPreview, expires_at: expiresAt } = fields
  const kind = NOTICE_KINDS.find((one) => one === fields.kind)
  if (!envelope || !kind || !isText(manageUrl, /^https?:\/\/[^\s"'<>]{1,500}$/)) return undefined
  if (!isOptionalText(keyName) || !isOptionalText(keyPreview) || !isOptionalText(expiresAt)) return undefined
  const { at, browser, network } = fields
  if (at !== undefined && !(isText(at, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/) && !Number.isNaN(Date.parse(at)))) return undefined
  if (browser !== undefined && !isText(browser, /^[A-Za-z ]{1,60}$/)) return undefined
  if (network !== undefined && !isText(network, /^[\da-f.:]{2,40}\/\d{1,3}$/)) return undefined
  return { ...envelope, kind, manageUrl, keyName, keyPreview, expiresAt, at, browser, network }
}
