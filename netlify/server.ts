import type { Server } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Config, config } from '../shared/config.ts'
import { gateway, POOL_SIZES } from '../shared/gateway.ts'
import { isDraining, startDraining } from '../shared/http/draining.ts'
import { ensureTracing } from '../shared/http/ensure-tracing.ts'
import { captureConsole, gatherLines, log } from '../shared/log.ts'
import checkpoints from './functions/checkpoints.ts'
import maintenance from './functions/maintenance.ts'
import webhookDeliveries from './functions/webhook-deliveries.ts'
import { createServer } from './listen.ts'

const MINUTE_MILLISECONDS = 60_000
/** What runs by itself, as often as its schedule on Netlify says. */
const SCHEDULED = [
  { run: maintenance, minutes: 60 },
  { run: checkpoints, minutes: 5 },
  { run: webhookDeliveries, minutes: 1 },
]
/** Idle connections may still bring a request that left before the caller could know. */
const LINGER_MILLISECONDS = 500

async function tellMetrics(settings: Config): Promise<Server | undefined> {
  const { HOST, METRICS_PORT, METRICS_TOKEN, NODE_APP_INSTANCE } = settings
  if (METRICS_PORT === undefined) return undefined
  const { countEverything, serveMetrics } = await import('./metrics.ts')
  const host = METRICS_TOKEN ? HOST : '127.0.0.1'
  return serveMetrics(countEverything(POOL_SIZES), {
    port: METRICS_PORT + NODE_APP_INSTANCE,
    host,
    token: METRICS_TOKEN,
  })
}

async function main(): Promise<void> {
  const settings = config()
  gatherLines()
  const flushTraces = await ensureTracing(false)
  const metrics = await tellMetrics(settings)
  const server = await createServer({ port: settings.PORT, host: settings.HOST })
  captureConsole()
  log.info('listening', { url: server.url, issuer: settings.AUTH_BASE_URL })
  for (const { run, minutes } of SCHEDULED) {
    const again = () => void run().catch((error) => log.error(`${run.name} failed`, { error }))
    setTimeout(again, MINUTE_MILLISECONDS).unref()
    setInterval(again, minutes * MINUTE_MILLISECONDS).unref()
  }
  // The driver asks something of each new connection that nobody awaits, so a database that goes away then would end the process.
  process.on('unhandledRejection', (error) => log.error('something failed that nobody awaited', { error }))
  process.send?.('ready')
  const stop = async (signal: NodeJS.Signals) => {
    if (isDraining()) return
    startDraining()
    log.info('stopping', { signal })
    metrics?.close()
    await sleep(settings.DRAIN_SECONDS * 1000)
    await server.close(LINGER_MILLISECONDS)
    await gateway().close()
    await flushTraces?.()
    process.exit(0)
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
}

main().catch((error) => {
  console.error(error instanceof Error ? error.message : error)
  process.exit(1)
})
