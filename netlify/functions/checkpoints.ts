import type { Config } from '@netlify/functions'
import { makeCheckpoints } from '../../shared/audit/checkpoints.ts'
import { publishCheckpoint } from '../../shared/audit/publish.ts'
import { refuseRestoredDatabase, startGateway } from '../../shared/gateway.ts'
import { log } from '../../shared/log.ts'

/**
 * Adds new events to the audit tree, signs it, and publishes the newest checkpoint every five minutes; not reachable by a path. A
 * database restored from an older backup is not signed or published, and this process stops serving it.
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
