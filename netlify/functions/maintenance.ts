import type { Config } from '@netlify/functions'
import { sendDueNotices, warnOfExpiringKeys } from '../../shared/api-keys/key-notices.ts'
import { sendUnsent, settleUnconfirmed } from '../../shared/delivery/send-message.ts'
import { startGateway } from '../../shared/gateway.ts'
import { log } from '../../shared/log.ts'
import { deleteUnusedClients } from '../../shared/oauth/clients/unused-clients.ts'
import { rotateOldKeys } from '../../shared/oauth/token/rotate-keys.ts'
import { maintain } from '../../shared/queries/maintenance.ts'

/** Runs every hour, on Netlify and in `netlify/server.ts`; not reachable by a path. */
export default async function maintenance(): Promise<Response> {
  const gateway = await startGateway()
  const done = await maintain(gateway.reads)
  const warned = await warnOfExpiringKeys(gateway)
  const notified = await sendDueNotices(gateway)
  const sent = await sendUnsent(gateway)
  const unconfirmed = await settleUnconfirmed(gateway)
  const deletedClients = await deleteUnusedClients(gateway)
  const rotated = await rotateOldKeys(gateway)
  log.info('maintenance', { ...done, rotated, warned, notified, sent, unconfirmed, deletedClients })
  return new Response(null, { status: 204 })
}

export const config: Config = { schedule: '@hourly' }
