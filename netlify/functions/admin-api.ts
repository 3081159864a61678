import { randomBytes } from 'node:crypto'
import * as z from 'zod/mini'
import { operator } from '../../shared/access/authorities.ts'
import { commitAsOperator, type Operator } from '../../shared/access/operator.ts'
import { apiClient, registerClient } from '../../shared/domain/api-client.ts'
import { GatewayError, type Refusal } from '../../shared/errors.ts'
import { gateway } from '../../shared/gateway.ts'
import { createApp } from '../../shared/http/app.ts'
import { readBody } from '../../shared/http/body.ts'
import { anything, done } from '../../shared/http/operation.ts'
import { type Authority, openToAll } from '../../shared/http/route.ts'
import { serve } from '../../shared/http/serve.ts'
import { newId } from '../../shared/ids.ts'
import { parseClientMetadata } from '../../shared/oauth/clients/client-metadata.ts'
import { once } from '../../shared/once.ts'
import { type Client, findClient, listClients } from '../../shared/queries/api-clients.ts'
import { readAdminStatus } from '../../shared/queries/console.ts'
import { hasPasswords, sendRecovery } from '../../shared/sync/supabase-users.ts'
import { hashToken } from '../../shared/tokens/opaque.ts'
import { typedReason } from '../../shared/typed/fields.ts'

const app = createApp('api', { tag: 'Operators' })
const APP_ID = /^app_[a-z0-9_]{1,60}$/

const ofPlatform = operator('platform')

const DENIED: readonly Refusal[] = ['not_an_operator', 'insufficient_scope']

/** A platform operator; others get the error code that existing clients expect (docs/wire-contract.md 1.9). */
const administrator: Authority<Operator> = {
  accepts: ofPlatform.accepts.map((one) => ({ ...one, denied: 'admin_access_required' })),
  admit: async (c) => {
    try {
      return await ofPlatform.admit(c)
    } catch (error) {
      const denied = error instanceof GatewayError && DENIED.includes(error.refusal)
      throw denied ? new GatewayError('admin_access_required', { reason: error.options.reason }) : error
    }
  },
}

/** No login bypasses the checks; operators sign in as everyone else and step up. */
app.route('POST', '/admin/bypass-login', {
  authority: openToAll,
  operation: { summary: 'Always refused; operators sign in as everyone else', answers: {} },
})(() => {
  throw new GatewayError('admin_access_required', { body: { sign_in: `${gateway().issuer}/web/login` } })
})

/** Operators have no separate password; the one stored by Supabase Auth is reset by a link to their address. */
app.route('POST', '/admin/change-password', {
  authority: administrator,
  operation: { summary: 'Sends the operator a password reset link', answers: { 200: done } },
})(async (c, { principal }) => {
  if (!hasPasswords(gateway())) throw new GatewayError('passwords_disabled')
  await sendRecovery(c.var.call, principal.person.email)
  return c.json({ success: true, message: 'A link to choose a new password is on its way to your address.' })
})

app.route('GET', '/admin/status', {
  authority: administrator,
  operation: { summary: 'Returns counts and the state of the gateway', answers: { 200: anything } },
})(async (c, { principal }) => {
  const { issuer, config, reads } = gateway()
  return c.json({
    status: 'ok',
    service: 'auth-gateway',
    issuer,
    environment: config.mode,
    ...(await readAdminStatus(reads)),
    operator: { id: principal.person.uai, role: principal.person.role },
    timestamp: c.var.call.now().toISOString(),
  })
})

const newApp = once(() =>
  z.object({
    app_id: z.string().check(z.regex(APP_ID, 'must be app_ and small letters, digits or _')),
    app_name: z.string().check(z.minLength(1), z.maxLength(100)),
    redirect_uris: z.array(z.string().check(z.maxLength(2000))).check(z.minLength(1), z.maxLength(20)),
    metadata: z.optional(z.looseObject({})),
    reason: z.prefault(typedReason(), 'registered at /admin/register-app'),
  }),
)

const applicationOf = ({ client_id, metadata, created_at }: Client) => ({
  app_id: metadata.software_id,
  app_name: metadata.client_name,
  client_id,
  redirect_uris: metadata.redirect_uris,
  created_at,
})

const application = () => ({
  app_id: z.string(),
  app_name: z.string(),
  client_id: z.string(),
  redirect_uris: z.array(z.string()),
  created_at: z.string(),
})

/** Registers a confidential application; its secret is returned only once. */
app.route('POST', '/admin/register-app', {
  authority: administrator,
  operation: {
    summary: 'Registers a confidential application',
    body: newApp,
    answers: {
      201: () => z.object({ ...application(), client_secret: z.optional(z.string()), message: z.string() }),
    },
  },
})(async (c, operator) => {
  const { app_id, app_name, redirect_uris, metadata: more = {}, reason } = await readBody(c, newApp())
  const given = {
    token_endpoint_auth_method: 'client_secret_basic',
    ...more,
    client_name: app_name,
    redirect_uris,
    software_id: app_id,
  }
  const { metadata, problems } = parseClientMetadata(given, gateway().config.PRIVATE_USE_SCHEMES)
  if (!metadata)
    throw new GatewayError('invalid_request', {
      details: Object.fromEntries(problems.map(({ member, message }) => [member, [message]])),
    })
  const client_id = `${app_id}_${hashToken(app_id).slice(0, 16)}`
  const client_secret = metadata.token_endpoint_auth_method.startsWith('client_secret_')
    ? `secret_${randomBytes(32).toString('hex')}`
    : undefined
  await commitAsOperator(c.var.call, operator, async (work) => {
    work.limits = gateway().limiter.of('register-app', operator.principal.person.uai)
    if (await findClient(gateway().reads, client_id)) throw new GatewayError('app_exists')
    const secretHash = client_secret && hashToken(client_secret)
    work
      .start(apiClient, newId(), {})
      .decide(() =>
        registerClient({ clientId: client_id, firstParty: false, origin: 'operator', metadata, secretHash, reason }),
      )
  })
  const made = await findClient(gateway().reads, client_id)
  if (!made) throw new Error('the application was not stored')
  return c.json({ ...applicationOf(made), client_secret, message: 'Registered. The secret is shown only once.' }, 201)
})

app.route('GET', '/admin/list-apps', {
  authority: administrator,
  operation: {
    summary: 'Lists the registered applications',
    answers: {
      200: () => z.object({ apps: z.array(z.extend(z.object(application()), { status: z.string() })), total: z.int() }),
    },
  },
})(async (c) => {
  const apps = (await listClients(gateway().reads))
    .filter(({ metadata }) => APP_ID.test(metadata.software_id ?? ''))
    .map((client) => ({ ...applicationOf(client), status: client.status }))
  return c.json({ apps, total: apps.length })
})

export default serve(app)
