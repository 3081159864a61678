import type { Config } from '@netlify/functions'
import { deliverWebhooks } from '../../shared/audit/webhook-deliveries.ts'
import { startGateway } from '../../shared/gateway.ts'
import { log } from '../../shared/log.ts'

/** Tells webhooks what happened, every minute. No path leads here. */
export default async function webhookDeliveries(): Promise<Response> {
  const gateway = await startGateway()
  const told = await deliverWebhooks(gateway)
  if (told > 0) log.info('webhooks', { told })
  return new Response(null, { status: 204 })
}

export const config: Config = { schedule: '* * * * *' }
