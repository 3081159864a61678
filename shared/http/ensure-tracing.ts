import { config } from '../config.ts'
import { log } from '../log.ts'

type Flush = () => Promise<void>
let started: Promise<Flush | undefined> | undefined

/**
 * Starts tracing if configured, once per process; otherwise none of its modules are loaded.
 * @param eachRequest as in `startTracing`
 */
export function ensureTracing(eachRequest: boolean): Promise<Flush | undefined> | undefined {
  const { OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_TRACES_SAMPLER_ARG } = config()
  if (!OTEL_EXPORTER_OTLP_ENDPOINT) return undefined
  started ??= import('../tracing.ts')
    .then(({ startTracing }) => startTracing({ share: OTEL_TRACES_SAMPLER_ARG, eachRequest }))
    .catch((error) => {
      log.error('tracing could not be started', { error })
      return undefined
    })
  return started
}
