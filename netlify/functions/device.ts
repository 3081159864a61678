import * as z from 'zod/mini'
import { newFormToken } from '../../shared/access/form-token.ts'
import { withGoal } from '../../shared/access/return-to.ts'
import { deviceAuthorization, isOpenTo } from '../../shared/domain/device-authorization.ts'
import { catalogue, GatewayError } from '../../shared/errors.ts'
import { fold } from '../../shared/events/commit.ts'
import { gateway } from '../../shared/gateway.ts'
import type { AppContext } from '../../shared/http/app.ts'
import { postedField, readBody, readQuery, refuseQuery } from '../../shared/http/body.ts'
import { BY_CLIENT, formOperation, pageOperation } from '../../shared/http/operation.ts'
import { byProtocol } from '../../shared/http/route.ts'
import { serve } from '../../shared/http/serve.ts'
import { describeUserAgent } from '../../shared/http/user-agent.ts'
import { readUserCode, showUserCode } from '../../shared/oauth/device/device-code.ts'
import {
  claimDevice,
  connectDevice,
  findOpenDevice,
  readRevokeToken,
  refuseDevice,
  revokeDevice,
  startDevice,
} from '../../shared/oauth/device/device-steps.ts'
import { clientParameters, readClientCredentials } from '../../shared/oauth/token/client-auth.ts'
import { once } from '../../shared/once.ts'
import { findConnected, type OpenDevice } from '../../shared/queries/device-authorizations.ts'
import type { SignedIn } from '../../shared/queries/sessions.ts'
import * as oauthSchemas from '../openapi/oauth-schemas.ts'
import { ApproveDevicePage, DeviceDonePage, EnterCodePage, RevokeDevicePage } from '../pages/device.tsx'
import { form, formError, type Shown } from '../pages/form.ts'
import { createFormApp, translated } from '../pages/form-answers.ts'
import { signedInOr } from '../pages/page-authority.ts'
import { renderPage } from '../pages/render.ts'

const BASE = '/oauth/device'
const app = createFormApp('OAuth 2.1 and OpenID Connect', 'oauth')
app.use(translated)

const startBody = once(() =>
  z.object({
    ...clientParameters(),
    scope: z.optional(z.string().check(z.maxLength(2000))),
    resource: z.optional(z.array(z.string().check(z.maxLength(2000))).check(z.maxLength(10))),
  }),
)

/** Device authorization request (RFC 8628 section 3.1). */
app.route('POST', BASE, {
  authority: byProtocol('client'),
  operation: {
    summary: 'Starts a device authorization (RFC 8628 section 3.1)',
    body: startBody,
    ...BY_CLIENT,
    answers: { 200: oauthSchemas.deviceAuthorization },
  },
})(async (c) => {
  refuseQuery(c, Object.keys(startBody().shape))
  const body = await readBody(c, startBody(), { repeatable: ['resource'] })
  const credentials = readClientCredentials(c.var.call, body)
  if (!credentials.clientId) throw new GatewayError('invalid_request', { details: { client_id: ['is required'] } })
  return c.json(await startDevice(c.var.call, credentials, body))
})

const codeQuery = once(() => z.object({ code: z.optional(z.string()), user_code: z.optional(z.string()) }))

function enterPage(value?: string, { error, status }: Partial<Shown> = {}): Response {
  return renderPage(EnterCodePage({ action: BASE, value, error }), { status })
}

/** Shows the form again with an error, to enter another code. */
function enterAgain(c: AppContext, typed: string, error: GatewayError): Response {
  c.var.call.notes.refused = error
  return enterPage(typed, { error: formError(c, error, 'code'), status: error.status })
}

const approvalPath = (typed: string) => `${BASE}?${new URLSearchParams({ code: readUserCode(typed) ?? '' })}`

/** Shows what a device requests; a person always approves it with a button (docs/security-rules.md D6). */
app.route('GET', BASE, {
  authority: byProtocol('ceremony'),
  operation: pageOperation('Shows the page to connect a device', codeQuery),
})(async (c) => {
  const query = readQuery(c, codeQuery())
  const typed = query.code ?? query.user_code
  if (!typed) return enterPage()
  const signedIn = await signedInOr(c.var.call, withGoal('/web/login', approvalPath(typed)), 302)
  const { session } = signedIn
  try {
    const device = await findOpenDevice(c.var.call, typed, session.id)
    await claimDevice(c.var.call, device, signedIn)
    return await approvePage(c, device, showUserCode(typed), signedIn)
  } catch (error) {
    if (error instanceof GatewayError && error.status < 500) return enterAgain(c, typed, error)
    throw error
  }
})

async function approvePage(
  c: AppContext,
  device: OpenDevice,
  userCode: string,
  { person, session }: SignedIn,
  { error, status }: Partial<Shown> = {},
): Promise<Response> {
  const page = ApproveDevicePage({
    action: `${BASE}/decision`,
    csrf: newFormToken(c.var.call, { about: aboutOf(session.id, device.id) }),
    userCode,
    device,
    browser: await describeUserAgent(device.origin.userAgent),
    email: person.email,
    now: c.var.call.now(),
    error,
  })
  return renderPage(page, { status })
}

const aboutOf = (sessionId: string, deviceId: string) => `${sessionId}.${deviceId}`

const decisionForm = once(() =>
  z.object({
    user_code: z.string('user_code_malformed'),
    decision: z.enum(['approve', 'deny'], 'invalid_request'),
  }),
)

/** A decision that is late, or from a session other than the one the page was shown to, must be repeated. */
app.route('POST', `${BASE}/decision`, {
  authority: byProtocol('ceremony'),
  operation: formOperation('Approves or denies a device', decisionForm),
})(async (c) => {
  const typed = (await postedField(c, 'user_code')) ?? ''
  const signedIn = await signedInOr(c.var.call, approvalPath(typed))
  const { session } = signedIn
  const device = await findOpenDevice(c.var.call, typed, session.id).catch((error: unknown) => {
    if (error instanceof GatewayError && error.refusal === 'user_code_invalid') return error
    throw error
  })
  if (device instanceof GatewayError) return enterAgain(c, typed, device)
  return form(c, {
    schema: decisionForm(),
    about: aboutOf(session.id, device.id),
    load: () => device,
    render: (shown) => enterPage(typed, shown),
    restart: ({ error }) => approvePage(c, device, showUserCode(typed), signedIn, { error, status: 403 }),
    act: async ({ decision }) => {
      await (decision === 'approve' ? connectDevice : refuseDevice)(c.var.call, device, signedIn)
      const kind = decision === 'approve' ? 'approved' : 'denied'
      return renderPage(DeviceDonePage({ kind, client: device.client.metadata.client_name }))
    },
  })
})

const checked = () =>
  z.union([
    z.object({ valid: z.literal(true), client_id: z.string() }),
    z.object({ valid: z.literal(false), error: z.string() }),
  ])

/** Checks a user code for pages of other sites (docs/wire-contract.md 1.3). */
app.route('GET', `${BASE}/check`, {
  authority: byProtocol('ceremony'),
  operation: {
    summary: 'Checks whether a user code can be used',
    query: codeQuery,
    answers: { 200: checked, 400: checked, 404: checked },
  },
})(async (c) => {
  const { code } = readQuery(c, codeQuery())
  try {
    const device = await findOpenDevice(c.var.call, code)
    const { state } = fold(deviceAuthorization, device.events)
    if (!isOpenTo(state, { now: gateway().now() })) throw new GatewayError('user_code_invalid')
    return c.json({ valid: true, client_id: device.client.client_id })
  } catch (error) {
    if (!(error instanceof GatewayError) || catalogue[error.refusal].field !== 'code') throw error
    return c.json({ valid: false, error: error.message }, code ? 404 : 400)
  }
})

const revokeQuery = once(() =>
  z.object({ token: z.string('user_code_invalid').check(z.maxLength(1000, 'user_code_invalid')) }),
)

async function revocation(token: string) {
  const named = readRevokeToken(gateway(), token)
  const connected = await findConnected(gateway().reads, named.id)
  if (!connected) throw new GatewayError('user_code_invalid', { reason: 'unknown device' })
  return { named, connected }
}

async function revokePage(c: AppContext, token: string, { error, status }: Partial<Shown> = {}): Promise<Response> {
  const { client, requestedAt: connectedAt } = (await revocation(token)).connected
  const shown = { client, connectedAt, now: c.var.call.now() }
  const csrf = newFormToken(c.var.call)
  return renderPage(RevokeDevicePage({ action: `${BASE}/revoke`, csrf, token, ...shown, error }), { status })
}

/** Target of the link in the notice. Only the button disconnects the device; opening the link changes nothing. */
app.route('GET', `${BASE}/revoke`, {
  authority: byProtocol('ceremony'),
  operation: pageOperation('Shows the page to disconnect a device', revokeQuery),
})((c) => revokePage(c, readQuery(c, revokeQuery()).token))

app.route('POST', `${BASE}/revoke`, {
  authority: byProtocol('ceremony'),
  operation: formOperation('Disconnects a device', revokeQuery),
})((c) =>
  form(c, {
    schema: revokeQuery(),
    load: (_, { token }) => revocation(token ?? ''),
    render: (shown) => revokePage(c, shown.typed.token ?? '', shown),
    act: async (_, { named, connected }) => {
      await revokeDevice(c.var.call, named)
      return renderPage(DeviceDonePage({ kind: 'revoked', client: connected.client }))
    },
  }),
)

export default serve(app)
