import type { Config } from '@netlify/functions'
import { gateway } from '../../shared/gateway.ts'
import { log } from '../../shared/log.ts'
import { maintain } from '../../shared/queries/maintenance.ts'

/** Runs every hour on Netlify; `netlify/server.ts` keeps the same hour by itself. No path leads here. */
export default async function maintenance(): Promise<Response> {
  log.info('maintenance', await maintain(gateway().reads))
  return new Response(null, { status: 204 })
}

export const config: Config = { schedule: '@hourly' }
