import type { Config } from '@netlify/functions'
import { sendDueNotices, warnOfExpiringKeys } from '../../shared/api-keys/key-notices.ts'
import { sendUnsent } from '../../shared/delivery/unsent-messages.ts'
import { startGateway } from '../../shared/gateway.ts'
import { log } from '../../shared/log.ts'
import { deleteUnusedClients } from '../../shared/oauth/clients/unused-clients.ts'
import { rotateOldKeys } from '../../shared/oauth/token/rotate-keys.ts'
import { maintain } from '../../shared/queries/maintenance.ts'

/** Runs every hour on Netlify; `netlify/server.ts` keeps the same hour by itself. No path leads here. */
export default async function maintenance(): Promise<Response> {
  const gateway = await startGateway()
  const done = await maintain(gateway.reads)
  const warned = await warnOfExpiringKeys(gateway)
  const told = await sendDueNotices(gateway)
  const sent = await sendUnsent(gateway)
  const forgotten = await deleteUnusedClients(gateway)
  const rotated = await rotateOldKeys(gateway)
  log.info('maintenance', { ...done, rotated, warned, told, sent, forgotten })
  return new Response(null, { status: 204 })
}

export const config: Config = { schedule: '@hourly' }
