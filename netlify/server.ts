import type { Server } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Config, config, passkeysAreOn, relyingPartyId } from '../shared/config.ts'
import { catalogue } from '../shared/errors.ts'
import { closeGateway, poolSizes, startGateway } from '../shared/gateway.ts'
import { isDraining, startDraining } from '../shared/http/draining.ts'
import { ensureTracing } from '../shared/http/ensure-tracing.ts'
import { captureConsole, gatherLines, log } from '../shared/log.ts'
import { checkDatabase } from '../shared/queries/health.ts'
import { readLogLag } from '../shared/queries/log-lag.ts'
import { StartError } from '../shared/start.ts'
import { BUILD } from '../shared/version.ts'
import checkpoints from './functions/checkpoints.ts'
import maintenance from './functions/maintenance.ts'
import webhookDeliveries from './functions/webhook-deliveries.ts'
import { createServer } from './listen.ts'
import { runAfterCommits } from './run-after-commits.ts'

const MINUTE_MILLISECONDS = 60_000
/** Jobs that run at the interval of their schedule on Netlify. */
const SCHEDULED = [
  { name: 'maintenance', run: maintenance, minutes: 60 },
  { name: 'checkpoints', run: checkpoints, minutes: 5 },
  { name: 'webhook-deliveries', run: webhookDeliveries, minutes: 1 },
]
const RETRY_MILLISECONDS = 1000
/** Idle connections may still deliver a request that was sent before the client saw the shutdown. */
const LINGER_MILLISECONDS = 500

async function startMetrics(settings: Config): Promise<Server | undefined> {
  const { HOST, METRICS_PORT, METRICS_TOKEN, NODE_APP_INSTANCE } = settings
  if (METRICS_PORT === undefined) return undefined
  const { countEverything, measureLag, serveMetrics } = await import('./metrics.ts')
  const host = METRICS_TOKEN ? HOST : '127.0.0.1'
  const registry = countEverything(poolSizes(settings))
  measureLag(registry, async () => readLogLag((await startGateway()).reads))
  return serveMetrics(registry, {
    port: METRICS_PORT + NODE_APP_INSTANCE,
    host,
    token: METRICS_TOKEN,
  })
}

/**
 * Starts the gateway. While the database is unreachable it retries in the background, and requests are refused.
 * @throws StartError
 */
async function start(tries = 0): Promise<void> {
  try {
    await startGateway()
  } catch (error) {
    if (error instanceof StartError) throw error
    if (tries === 0) log.warn('the database does not answer yet', { error })
    void sleep(RETRY_MILLISECONDS)
      .then(() => start(tries + 1))
      .catch(leave)
  }
}

function leave(error: unknown): void {
  console.error(error instanceof Error ? error.message : error)
  process.exit(1)
}

/** Checks that the gateway can start, without serving. @throws StartError, Error */
async function check(): Promise<void> {
  config()
  await startGateway()
  await closeGateway()
}

async function main(): Promise<void> {
  const settings = config()
  gatherLines()
  const flushTraces = await ensureTracing(false)
  const metrics = await startMetrics(settings)
  await start()
  const server = await createServer({ port: settings.PORT, host: settings.HOST })
  captureConsole()
  const { AUTH_BASE_URL: issuer, mode, modeReason: because } = settings
  const passkeys = passkeysAreOn(settings) ? relyingPartyId(settings) : catalogue.passkeys_off.message
  log.info('listening', { url: server.url, issuer, mode, because, passkeys, ...BUILD })
  for (const { name, run, minutes } of SCHEDULED) {
    const again = () => void run().catch((error) => log.error('a scheduled job failed', { job: name, error }))
    setTimeout(again, MINUTE_MILLISECONDS).unref()
    setInterval(again, minutes * MINUTE_MILLISECONDS).unref()
  }
  setInterval(async () => {
    const { reads, clock } = await startGateway()
    await checkDatabase(reads, clock)
  }, MINUTE_MILLISECONDS).unref()
  runAfterCommits(webhookDeliveries, (error) => log.error('webhook delivery after a commit failed', { error }))
  // The driver runs queries on each new connection that are not awaited; losing the database then would end the process.
  process.on('unhandledRejection', (error) => log.error('unhandled rejection', { error }))
  process.send?.('ready')
  const stop = async (signal: NodeJS.Signals) => {
    if (isDraining()) return
    startDraining()
    log.info('stopping', { signal })
    metrics?.close()
    await sleep(settings.DRAIN_SECONDS * 1000)
    await server.close(LINGER_MILLISECONDS)
    await closeGateway()
    await flushTraces?.()
    process.exit(0)
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
}

const USAGE = `npm start [-- --check|--version]

Serves all functions behind one listener, configured by the variables in docs/configuration.md. --check reports whether
the gateway can start, without serving; --version prints the version and the commit.
Exit code 1: the gateway cannot start, and the reason is printed; 2: wrong usage.`

const args = process.argv.slice(2)
if (args.includes('--help') || args.includes('-h')) console.log(USAGE)
else if (args.length === 0) main().catch(leave)
else if (args.join() === '--version') console.log(`${BUILD.version} (${BUILD.commit ?? 'commit unknown'})`)
else if (args.join() === '--check') check().catch(leave)
else {
  console.error(`Unknown argument "${args.join(' ')}"\n\n${USAGE}`)
  process.exitCode = 2
}
