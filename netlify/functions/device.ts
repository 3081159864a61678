import * as z from 'zod/mini'
import { deviceAuthorization, isOpenTo } from '../../shared/domain/device-authorization.ts'
import { GatewayError } from '../../shared/errors.ts'
import { gateway } from '../../shared/gateway.ts'
import { createApp } from '../../shared/http/app.ts'
import { readBody, readQuery, refuseQuery } from '../../shared/http/body.ts'
import { ApproveDevicePage, DeviceDonePage, EnterCodePage, RevokeDevicePage } from '../../shared/http/pages/device.tsx'
import { renderPage } from '../../shared/http/pages/render.ts'
import { errorPage } from '../../shared/http/pages/respond.tsx'
import { byProtocol } from '../../shared/http/route.ts'
import { serve } from '../../shared/http/serve.ts'
import { browserSession } from '../../shared/identity/authenticate.ts'
import { mailbox } from '../../shared/identity/code-address.ts'
import { checkCsrf, csrfToken } from '../../shared/identity/csrf.ts'
import {
  claimDevice,
  decideDevice,
  denyUnseen,
  findOpenDevice,
  readRevokeToken,
  revokeDevice,
  startDevice,
} from '../../shared/identity/device-steps.ts'
import { signInWithCode } from '../../shared/identity/one-time-code.ts'
import { projectScope } from '../../shared/identity/project-scope.ts'
import { brandOf, sendCode } from '../../shared/identity/send-code.ts'
import { clientParameters, readClientCredentials } from '../../shared/oauth/client-auth.ts'
import { readUserCode, showUserCode } from '../../shared/oauth/device-code.ts'
import { once } from '../../shared/once.ts'
import { isStranger } from '../../shared/queries/api-clients.ts'
import { findConnected, type OpenDevice } from '../../shared/queries/device-authorizations.ts'
import { typedCode, typedEmail } from '../../shared/typed/fields.ts'

const BASE = '/oauth/device'
const app = createApp('oauth', { errorPage })

export const startBody = once(() =>
  z.object({
    ...clientParameters(),
    scope: z.optional(z.string().check(z.maxLength(2000))),
    resource: z.optional(z.array(z.string().check(z.maxLength(2000))).check(z.maxLength(10))),
  }),
)

/** Device authorization request (RFC 8628 section 3.1). */
app.route('POST', BASE, { authority: byProtocol('ceremony') }, async (c) => {
  refuseQuery(c, Object.keys(startBody().shape))
  const body = await readBody(c, startBody(), { repeatable: ['resource'] })
  const credentials = readClientCredentials(c, body)
  if (!credentials.clientId) throw new GatewayError('invalid_request', { details: { client_id: ['is required'] } })
  return c.json(await startDevice(gateway(), c, credentials, body))
})

export const codeQuery = once(() =>
  z.object({
    code: z.optional(z.string()),
    user_code: z.optional(z.string()),
  }),
)

function enterPage(value?: string, error?: GatewayError): Response {
  const headers = error?.options.retryAfter ? { 'Retry-After': String(Math.ceil(error.options.retryAfter)) } : undefined
  return renderPage(EnterCodePage({ action: BASE, value, error: error?.message }), { status: error?.status, headers })
}

/** The page where a person connects a device: what is asked is shown, and approved by a button, always (standards D6). */
app.route('GET', BASE, { authority: byProtocol('ceremony') }, async (c) => {
  const query = readQuery(c, codeQuery())
  const typed = query.code ?? query.user_code
  if (!typed) return enterPage()
  const signedIn = await browserSession(gateway(), c)
  if (!signedIn) {
    const back = `${BASE}?code=${readUserCode(typed) ?? ''}`
    return c.redirect(`/web/login?return_to=${encodeURIComponent(back)}`, 302)
  }
  const { person, session } = signedIn
  try {
    const device = await findOpenDevice(gateway(), c, typed, session.id)
    await claimDevice(gateway(), c, device, { person, sessionId: session.id })
    return approvePage(device, showUserCode(typed), person.email, session.id)
  } catch (error) {
    if (error instanceof GatewayError && error.status < 500) {
      c.set('refused', error)
      return enterPage(typed, error)
    }
    throw error
  }
})

const boundTo = (sessionId: string, deviceId: string) => `${sessionId}.${deviceId}`

function approvePage(device: OpenDevice, userCode: string, email: string, sessionId: string): Response {
  const { client, id, requestedAt, origin, scope } = device
  return renderPage(
    ApproveDevicePage({
      action: `${BASE}/decision`,
      csrf: csrfToken(gateway().derive, boundTo(sessionId, id)),
      userCode,
      client: {
        name: client.metadata.client_name,
        firstParty: client.first_party,
        verified: !isStranger(client),
      },
      email,
      startedAt: requestedAt,
      origin,
      scopes: scope,
      now: new Date(),
    }),
  )
}

export const decisionForm = once(() =>
  z.object({
    user_code: z.string('user_code_malformed'),
    csrf: z.optional(z.string()),
    decision: z.enum(['approve', 'deny'], 'invalid_request'),
  }),
)

app.route('POST', `${BASE}/decision`, { authority: byProtocol('ceremony') }, async (c) => {
  const { user_code, csrf, decision } = await readBody(c, decisionForm())
  const signedIn = await browserSession(gateway(), c)
  if (!signedIn) throw new GatewayError('csrf_invalid', { reason: 'not signed in' })
  const { person, session } = signedIn
  const device = await findOpenDevice(gateway(), c, user_code, session.id)
  checkCsrf(c, gateway().derive, boundTo(session.id, device.id), csrf)
  await decideDevice(gateway(), c, device, { person, sessionId: session.id }, decision)
  const kind = decision === 'approve' ? 'approved' : 'denied'
  return renderPage(DeviceDonePage({ kind, client: device.client.metadata.client_name }))
})

/** For pages of others: whether a code can be used (wire-contract 1.3). */
app.route('GET', `${BASE}/check`, { authority: byProtocol('ceremony') }, async (c) => {
  const { code } = readQuery(c, codeQuery())
  try {
    const device = await findOpenDevice(gateway(), c, code)
    const stream = device.events.reduce(
      (state, event) => deviceAuthorization.evolve(state, event as never),
      deviceAuthorization.initial,
    )
    if (!isOpenTo(stream, { now: new Date() })) throw new GatewayError('user_code_invalid')
    return c.json({ valid: true, client_id: device.client.client_id })
  } catch (error) {
    if (!(error instanceof GatewayError) || !error.refusal.startsWith('user_code_')) throw error
    return c.json({ valid: false, error: error.message }, code ? 404 : 400)
  }
})

const deviceCode = once(() => ({ user_code: z.string('user_code_malformed') }))
export const denyBody = once(() => z.object(deviceCode()))
export const verifyBody = once(() => z.object({ ...deviceCode(), email: typedEmail() }))
export const authorizeBody = once(() => z.object({ ...deviceCode(), email: typedEmail(), otp_code: typedCode() }))

/** Sends the one code that proves the person's address; the code itself then approves (wire-contract 1.3). */
app.route('POST', `${BASE}/verify`, { authority: byProtocol('ceremony') }, async (c) => {
  const body = await readBody(c, verifyBody())
  const device = await findOpenDevice(gateway(), c, body.user_code)
  const { client } = device
  const to = mailbox(body.email)
  const clientName = isStranger(client) ? undefined : client.metadata.client_name
  await sendCode(gateway(), c, { to, clientName, brand: brandOf(client) })
  return c.json({ success: true, message: 'A code is on its way to the address.', requires_otp: true })
})

app.route('POST', `${BASE}/authorize`, { authority: byProtocol('ceremony') }, async (c) => {
  const body = await readBody(c, authorizeBody())
  const device = await findOpenDevice(gateway(), c, body.user_code)
  const signIn = {
    to: mailbox(body.email),
    code: body.otp_code,
    platform: 'cli',
    projectScope: projectScope(undefined),
  }
  const { person, session } = await signInWithCode(gateway(), c, signIn, (_work, signedIn) => signedIn)
  await decideDevice(gateway(), c, device, { person, sessionId: session.id }, 'approve')
  return c.json({
    success: true,
    message: 'The device is connected. You can go back to it.',
    user: { id: person.uai, email: person.email },
  })
})

app.route('POST', `${BASE}/deny`, { authority: byProtocol('ceremony') }, async (c) => {
  const { user_code } = await readBody(c, denyBody())
  await denyUnseen(gateway(), c, await findOpenDevice(gateway(), c, user_code))
  return c.json({ success: true, message: 'The device was not connected.' })
})

export const revokeQuery = once(() =>
  z.object({
    token: z.string('user_code_invalid').check(z.maxLength(1000, 'user_code_invalid')),
  }),
)

async function revocation(token: string) {
  const named = readRevokeToken(gateway(), token)
  const connected = await findConnected(gateway().reads, named.id)
  if (!connected) throw new GatewayError('user_code_invalid', { reason: 'no such device' })
  return { named, connected }
}

/** Where the link in the notice leads; the button ends it, the link alone ends nothing. */
app.route('GET', `${BASE}/revoke`, { authority: byProtocol('ceremony') }, async (c) => {
  const { token } = readQuery(c, revokeQuery())
  const { client, requestedAt: connectedAt } = (await revocation(token)).connected
  return renderPage(RevokeDevicePage({ action: `${BASE}/revoke`, token, client, connectedAt, now: new Date() }))
})

app.route('POST', `${BASE}/revoke`, { authority: byProtocol('ceremony') }, async (c) => {
  const { token } = await readBody(c, revokeQuery())
  const { named, connected } = await revocation(token)
  await revokeDevice(gateway(), c, named)
  return renderPage(DeviceDonePage({ kind: 'revoked', client: connected.client }))
})

export default serve(app)
