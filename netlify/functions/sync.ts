import * as z from 'zod/mini'
import { equalHash } from '../../packages/auth-server/src/equal-hash.ts'
import { openUnlessInvalid } from '../../shared/access/authorities.ts'
import { addressKey } from '../../shared/addresses.ts'
import { GatewayError } from '../../shared/errors.ts'
import { gateway } from '../../shared/gateway.ts'
import { type AppContext, createApp } from '../../shared/http/app.ts'
import { readBody } from '../../shared/http/body.ts'
import { anything, type Operation } from '../../shared/http/operation.ts'
import { byProtocol } from '../../shared/http/route.ts'
import { serve } from '../../shared/http/serve.ts'
import { once } from '../../shared/once.ts'
import { keyOfRow, readKey, readUser, webhookBody } from '../../shared/sync/sync-input.ts'
import { syncKey } from '../../shared/sync/sync-keys.ts'
import { forgetUser, syncUser } from '../../shared/sync/sync-users.ts'
import { hashToken } from '../../shared/tokens/opaque.ts'

const MOST_KEYS = 100
const app = createApp('api', { tag: 'Operation' })

/** Requires the shared secret (docs/wire-contract.md 1.10), compared by hash so that timing reveals nothing. */
async function checkSecret(c: AppContext): Promise<void> {
  const { config, limiter } = gateway()
  const secrets = config.SYNC_WEBHOOK_SECRET?.split('|') ?? []
  if (secrets.length === 0) throw new GatewayError('sync_not_configured')
  const given = hashToken(c.req.header('x-webhook-secret') ?? '')
  const matches = secrets.map((one) => equalHash(hashToken(one), given))
  if (matches.includes(true)) return
  await limiter.enforce(limiter.of('sync-secret', addressKey(c.var.call.request.clientIp)))
  throw new GatewayError('webhook_unauthorized')
}

const webhook = (summary: string): Operation => ({
  summary,
  by: ['signature'],
  body: anything,
  answers: { 200: anything },
})

/** Applies a created, changed or deleted user of the Supabase project. Roles are not synchronized. */
app.route('POST', '/v1/sync/user', {
  authority: byProtocol('signature'),
  operation: webhook('Synchronizes a user of the Supabase project'),
})(async (c) => {
  await checkSecret(c)
  const { user, isGone } = readUser(await readBody(c, webhookBody()))
  if (isGone) {
    const uai = await forgetUser(c.var.call, user.id)
    return c.json({ success: true, message: 'The account can no longer be used to sign in.', user_id: uai ?? null })
  }
  const { uai, created } = await syncUser(c.var.call, user)
  return c.json({ success: true, message: created ? 'User created.' : 'User up to date.', user_id: uai, created })
})

app.route('POST', '/v1/sync/api-key', {
  authority: byProtocol('signature'),
  operation: webhook('Synchronizes an API key of the Supabase project'),
})(async (c) => {
  await checkSecret(c)
  const key = readKey(await readBody(c, webhookBody()))
  const { keyId, outcome } = await syncKey(c.var.call, key)
  const answer = { event_type: key.event_type, api_key_id: keyId ?? null, outcome }
  return c.json({ success: true, message: `The key is ${outcome}.`, ...answer, key_hash_stored: outcome !== 'skipped' })
})

const backfill = once(() =>
  z.object({ keys: z.array(z.looseObject({})).check(z.minLength(1), z.maxLength(MOST_KEYS)) }),
)

/** Imports up to 100 keys, each with its own result. Idempotent. */
app.route('POST', '/v1/sync/backfill-api-keys', {
  authority: byProtocol('signature'),
  operation: webhook('Imports up to 100 keys'),
})(async (c) => {
  await checkSecret(c)
  const { keys } = await readBody(c, backfill())
  const results = []
  for (const row of keys) {
    const id = String(row.id ?? '').slice(0, 200)
    try {
      const { keyId, outcome } = await syncKey(c.var.call, keyOfRow(row))
      results.push({ id, outcome, api_key_id: keyId ?? null })
    } catch (error) {
      if (!(error instanceof GatewayError) || error.status >= 500) throw error
      results.push({ id, outcome: 'failed', code: error.code, message: error.message, details: error.options.details })
    }
  }
  const failed = results.filter(({ outcome }) => outcome === 'failed').length
  return c.json({
    success: failed === 0,
    message: `${results.length - failed} of ${results.length} keys.`,
    failed,
    results,
  })
})

/** Reports whether webhooks are accepted (docs/wire-contract.md 1.1); a presented secret must be valid. */
app.route('GET', '/v1/sync/health', {
  authority: openUnlessInvalid,
  operation: { summary: 'Reports whether webhooks are accepted', answers: { 200: anything, 503: anything } },
})(async (c) => {
  const state = { service: 'sync', timestamp: new Date().toISOString() }
  if (!gateway().config.SYNC_WEBHOOK_SECRET)
    return c.json({ status: 'unavailable', reason: 'SYNC_WEBHOOK_SECRET is not set.', ...state }, 503)
  if (c.req.header('x-webhook-secret') !== undefined) await checkSecret(c)
  return c.json({ status: 'ok', ...state })
})

export default serve(app)
