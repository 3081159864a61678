import type { Config } from '@netlify/functions'
import { makeCheckpoints } from '../../shared/audit/checkpoints.ts'
import { publishCheckpoint } from '../../shared/audit/publish.ts'
import { refuseRestoredDatabase, startGateway } from '../../shared/gateway.ts'
import { log } from '../../shared/log.ts'

/**
 * Takes new events into the audit tree, signs it, and publishes the newest checkpoint, every five minutes. No path leads here. A
 * database that was restored from an older backup is neither signed nor published, and this process serves it no longer.
 */
export default async function checkpoints(): Promise<Response> {
  const gateway = await startGateway()
  await refuseRestoredDatabase(gateway)
  await gateway.refusals.flush()
  const taken = await makeCheckpoints(gateway)
  const published = await publishCheckpoint(gateway)
  log.info('checkpoints', { taken, published })
  return new Response(null, { status: 204 })
}

export const config: Config = { schedule: '*/5 * * * *' }
