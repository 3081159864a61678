import * as z from 'zod/mini'
import { projectScope } from '../../shared/access/project-scope.ts'
import { createApp } from '../../shared/http/app.ts'
import { readBody } from '../../shared/http/body.ts'
import { byProtocol } from '../../shared/http/route.ts'
import { serve } from '../../shared/http/serve.ts'
import { connectDevice, findOpenDevice, refuseDevice } from '../../shared/oauth/device/device-steps.ts'
import { once } from '../../shared/once.ts'
import { mailbox } from '../../shared/people/code-address.ts'
import { isStranger } from '../../shared/queries/api-clients.ts'
import { completeSignIn } from '../../shared/sign-in/complete.ts'
import { codeMethod } from '../../shared/sign-in/one-time-code.ts'
import { brandOf, sendCode } from '../../shared/sign-in/send-code.ts'
import { typedCode, typedEmail } from '../../shared/typed/fields.ts'
// Registers the gateway; nothing else of its module is used here.
import '../../shared/gateway.ts'
import { errorPage } from '../pages/error-page.tsx'

const BASE = '/oauth/device'
const app = createApp('oauth', { errorPage, tag: 'OAuth 2.1 and OpenID Connect' })

const deviceCode = once(() => ({ user_code: z.string('user_code_malformed') }))
const denyBody = once(() => z.object(deviceCode()))
const verifyBody = once(() => z.object({ ...deviceCode(), email: typedEmail() }))
const authorizeBody = once(() => z.object({ ...deviceCode(), email: typedEmail(), otp_code: typedCode() }))

const sent = () => ({ success: z.literal(true), message: z.string() })

/** Sends a one-time code to the e-mail address; entering it approves the device (docs/wire-contract.md 1.3). */
app.route('POST', `${BASE}/verify`, {
  authority: byProtocol('ceremony'),
  operation: {
    summary: 'Sends a one-time code to the e-mail address of the person',
    body: verifyBody,
    answers: { 200: () => z.object({ ...sent(), requires_otp: z.literal(true) }) },
  },
})(async (c) => {
  const body = await readBody(c, verifyBody())
  const device = await findOpenDevice(c.var.call, body.user_code)
  const { client } = device
  const to = mailbox(body.email)
  const clientName = isStranger(client) ? undefined : client.metadata.client_name
  await sendCode(c.var.call, { to, clientName, brand: brandOf(client) })
  return c.json({ success: true, message: 'A code is on its way to the address.', requires_otp: true })
})

app.route('POST', `${BASE}/authorize`, {
  authority: byProtocol('ceremony'),
  operation: {
    summary: 'Approves a device with the one-time code',
    body: authorizeBody,
    answers: { 200: () => z.object({ ...sent(), user: z.object({ id: z.uuid(), email: z.string() }) }) },
  },
})(async (c) => {
  const body = await readBody(c, authorizeBody())
  const device = await findOpenDevice(c.var.call, body.user_code)
  const method = codeMethod(c.var.call, { to: mailbox(body.email), code: body.otp_code })
  const request = { platform: 'cli', projectScope: projectScope(undefined), device: body.user_code }
  const { person, session } = await completeSignIn(c.var.call, method, request)
  await connectDevice(c.var.call, device, { person, session })
  return c.json({
    success: true,
    message: 'The device is connected. You can return to it.',
    user: { id: person.uai, email: person.email },
  })
})

app.route('POST', `${BASE}/deny`, {
  authority: byProtocol('ceremony'),
  operation: { summary: 'Denies a device', body: denyBody, answers: { 200: () => z.object(sent()) } },
})(async (c) => {
  const { user_code } = await readBody(c, denyBody())
  await refuseDevice(c.var.call, await findOpenDevice(c.var.call, user_code))
  return c.json({ success: true, message: 'The device was not connected.' })
})

export default serve(app)
