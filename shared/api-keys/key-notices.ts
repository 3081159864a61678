import { createCall } from '../call.ts'
import { sendNotice } from '../delivery/send-notice.ts'
import { apiKey, noteNotified, warnOfExpiry } from '../domain/api-key.ts'
import { aboutPerson, commit } from '../events/commit.ts'
import type { Gateway } from '../gateway.ts'
import { log } from '../log.ts'
import { type DueNotice, listDueNotices, listExpiringKeys } from '../queries/api-keys.ts'

const BATCH = 50

/** Records that keys expire soon, once for each date; `sendDueNotices` notifies their owners. Returns how many. */
export async function warnOfExpiringKeys(gateway: Gateway): Promise<number> {
  const days = gateway.config.API_KEY_EXPIRY_WARNING_DAYS
  const keys = await listExpiringKeys(gateway.reads, { days, limit: BATCH })
  for (const { id, createdBy } of keys)
    await commit(createCall(gateway), async (work) => {
      work.actor = { type: 'system', id: 'maintenance' }
      const stream = await work.load(apiKey, id, { subject: createdBy })
      stream.decide(warnOfExpiry)
    })
  return keys.length
}

async function deliver(gateway: Gateway, notice: DueNotice): Promise<string | undefined> {
  const { owner } = notice
  if (!owner.email || !owner.active) return 'no_address'
  const result = await sendNotice(createCall(gateway), {
    id: notice.noticeEvent,
    kind: notice.kind,
    person: owner,
    path: '/account/api-keys',
    key_name: notice.name,
    key_preview: notice.preview,
    expires_at: notice.expiresAt?.toISOString(),
  })
  if (result.status === 'accepted') return 'sent'
  if (!result.retryable) return `refused: ${result.reason}`
  log.warn('a notice was not sent and will be tried again', { reason: result.reason, key: notice.id })
  return undefined
}

/**
 * Sends a batch of due notices to the owners of keys. A notice that cannot be delivered stays due for a month. The id of its event makes
 * the message idempotent, so that concurrent runs send one mail. Returns how many were settled.
 */
export async function sendDueNotices(gateway: Gateway): Promise<number> {
  let settled = 0
  for (const notice of await listDueNotices(gateway.reads, gateway.personal, BATCH)) {
    const outcome = await deliver(gateway, notice)
    if (!outcome) continue
    const { id, kind, noticeEvent: messageId, owner } = notice
    await commit(createCall(gateway), async (work) => {
      work.actor = { type: 'system', id: 'notices' }
      work.correlationId = messageId
      const stream = await work.load(apiKey, id, aboutPerson(owner))
      stream.decide((state) => noteNotified(state, { kind, outcome, messageId }))
    })
    settled += 1
  }
  return settled
}
