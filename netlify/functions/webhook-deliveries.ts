import type { Config } from '@netlify/functions'
import { deliverWebhooks } from '../../shared/audit/webhook-deliveries.ts'
import { startGateway } from '../../shared/gateway.ts'
import { log } from '../../shared/log.ts'

/** Delivers events to webhooks every minute; not reachable by a path. */
export default async function webhookDeliveries(): Promise<Response> {
  const gateway = await startGateway()
  const delivered = await deliverWebhooks(gateway)
  if (delivered > 0) log.info('webhooks', { delivered })
  return new Response(null, { status: 204 })
}

export const config: Config = { schedule: '* * * * *' }
