import * as z from 'zod/mini'
import { openUnlessInvalid } from '../../shared/access/authorities.ts'
import { config } from '../../shared/config.ts'
import { type Gateway, startGateway } from '../../shared/gateway.ts'
import { createApp } from '../../shared/http/app.ts'
import { isDraining } from '../../shared/http/draining.ts'
import { openToAll } from '../../shared/http/route.ts'
import { serve } from '../../shared/http/serve.ts'
import { checkDatabase, withinTwoSeconds } from '../../shared/queries/health.ts'
import { StartError } from '../../shared/start.ts'
import { BUILD } from '../../shared/version.ts'

const app = createApp('api', { tag: 'Operation' })

/** Returns the gateway once it has started, or the reason why it cannot. */
async function opened(): Promise<{ gateway?: Gateway; reason: string }> {
  const reason = 'unreachable'
  return withinTwoSeconds(
    startGateway().then(
      (gateway) => ({ gateway, reason }),
      (error) => ({ reason: error instanceof StartError ? error.problem : reason }),
    ),
    { reason },
  )
}

async function lookAtDatabase() {
  const { gateway, reason } = await opened()
  if (!gateway) return { gateway, reachable: false, writable: false, reason, milliseconds: 0 }
  return { gateway, ...(await checkDatabase(gateway.reads, gateway.clock)) }
}

const health = () =>
  z.looseObject({ status: z.string(), service: z.literal('auth-gateway'), timestamp: z.iso.datetime() })

app.route('GET', '/health', {
  authority: openUnlessInvalid,
  withoutDatabase: true,
  operation: {
    summary: 'Reports liveness; 401 if an invalid credential is presented',
    answers: { 200: health },
  },
})(async (c) => {
  const { writable: healthy, reason } = await lookAtDatabase()
  return c.json({
    status: 'ok',
    service: 'auth-gateway',
    liveness: 'pass',
    ...BUILD,
    database: { healthy, error: reason },
    cache: { healthy: true, error: null },
    timestamp: new Date().toISOString(),
  })
})

app.route('GET', '/ready', {
  authority: openToAll,
  withoutDatabase: true,
  operation: { summary: 'Reports readiness', answers: { 200: health, 503: health } },
})(async (c) => {
  const issuer = config().AUTH_BASE_URL
  const startedAt = performance.now()
  const { gateway, reachable, writable, milliseconds, reason } = await lookAtDatabase()
  const signingKeys =
    reachable && gateway
      ? await gateway.keys.published().then(
          () => true,
          () => false,
        )
      : false
  const ready = writable && signingKeys && !isDraining()
  const state = (ok: boolean, why: string | null) => (ok ? { status: 'ok' } : { status: 'fail', reason: why })
  return c.json(
    {
      status: ready ? 'ready' : 'not_ready',
      service: 'auth-gateway',
      canonical_issuer: issuer,
      issuer_configured: issuer,
      checks: {
        issuer: state(true, null),
        postgres: { ...state(reachable, reason), latency_ms: milliseconds },
        writes: state(writable, reason),
        sharedState: state(writable, reason),
        session: state(writable, reason),
        signingKeys: state(signingKeys, 'unavailable'),
        process: state(!isDraining(), 'stopping'),
      },
      timestamp: new Date().toISOString(),
      total_latency_ms: Math.round(performance.now() - startedAt),
    },
    ready ? 200 : 503,
  )
})

export default serve(app)
