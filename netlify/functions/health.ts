import { gateway } from '../../shared/gateway.ts'
import { createApp } from '../../shared/http/app.ts'
import { isDraining } from '../../shared/http/draining.ts'
import { openToAll } from '../../shared/http/route.ts'
import { serve } from '../../shared/http/serve.ts'
import { checkDatabase } from '../../shared/queries/health.ts'

const app = createApp('api')

app.route('GET', '/health', { authority: openToAll }, async (c) => {
  const database = await checkDatabase(gateway().reads)
  return c.json({
    status: 'ok',
    service: 'auth-gateway',
    liveness: 'pass',
    database: { healthy: database.healthy, error: database.healthy ? null : 'unreachable' },
    cache: { healthy: true, error: null },
    timestamp: new Date().toISOString(),
  })
})

app.route('GET', '/ready', { authority: openToAll }, async (c) => {
  const { issuer, reads, keys } = gateway()
  const startedAt = performance.now()
  const database = await checkDatabase(reads)
  const signingKeys = database.healthy
    ? await keys.published().then(
        () => true,
        () => false,
      )
    : false
  const ready = database.healthy && signingKeys && !isDraining()
  const state = (ok: boolean, reason: string) => (ok ? { status: 'ok' } : { status: 'fail', reason })
  return c.json(
    {
      status: ready ? 'ready' : 'not_ready',
      service: 'auth-gateway',
      canonical_issuer: issuer,
      issuer_configured: issuer,
      checks: {
        issuer: state(true, ''),
        postgres: { ...state(database.healthy, 'unreachable'), latency_ms: database.milliseconds },
        sharedState: state(database.healthy, 'unreachable'),
        session: state(database.healthy, 'unreachable'),
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
