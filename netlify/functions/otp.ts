import * as z from 'zod/mini'
import { requestedScope } from '../../shared/access/project-scope.ts'
import { LIFETIME_SECONDS } from '../../shared/domain/otp-challenge.ts'
import { GatewayError } from '../../shared/errors.ts'
import { gateway } from '../../shared/gateway.ts'
import { type AppContext, createApp } from '../../shared/http/app.ts'
import { readBody } from '../../shared/http/body.ts'
import type { Operation } from '../../shared/http/operation.ts'
import { byProtocol } from '../../shared/http/route.ts'
import { serve } from '../../shared/http/serve.ts'
import { once } from '../../shared/once.ts'
import { type CodeAddress, mailbox, telephone } from '../../shared/people/code-address.ts'
import { signInDirectly } from '../../shared/sign-in/direct-sign-in.ts'
import { audienceInput } from '../../shared/sign-in/fields.ts'
import { sendMagicLink } from '../../shared/sign-in/magic-link.ts'
import { codeMethod } from '../../shared/sign-in/one-time-code.ts'
import { sendCode } from '../../shared/sign-in/send-code.ts'
import { typedCode, typedEmail, typedPhone } from '../../shared/typed/fields.ts'
import * as schemas from '../openapi/schemas.ts'
import { signedInBody } from '../pages/sign-in-response.ts'

const address = once(() => ({ email: z.optional(typedEmail()), phone: z.optional(typedPhone()) }))
const send = once(() =>
  z.object({
    ...address(),
    type: z.optional(z.enum(['email', 'sms', 'magiclink'], 'must be email, sms or magiclink')),
    redirect_uri: z.optional(z.string().check(z.maxLength(2000, 'invalid_redirect_uri'))),
    ...audienceInput('cli'),
  }),
)
const verify = once(() =>
  z.object({
    ...address(),
    type: z.optional(z.enum(['email', 'sms'], 'must be email or sms')),
    token: typedCode('missing_token'),
    ...audienceInput('cli'),
  }),
)

const app = createApp('api', { tag: 'Sign-in' })

/** Returns the address of a code, which is either `phone` or `email`. */
async function addressOf(body: { email?: string; phone?: string; type?: 'email' | 'sms' }): Promise<CodeAddress> {
  const { email: mail, phone: number, type: channel = number ? 'sms' : 'email' } = body
  if (mail && number) throw new GatewayError('invalid_request', { reason: 'email and phone' })
  if (channel === 'sms') {
    if (!number) throw new GatewayError('missing_phone')
    return telephone(gateway(), number)
  }
  if (!mail) throw new GatewayError('missing_email')
  return mailbox(mail)
}

const PAUSED =
  'Text messages to new numbers are paused. If someone has signed in with this number before, a code is on its way.'

async function sendIt(c: AppContext) {
  const { type: kind, ...body } = await readBody(c, send())
  const sent = { success: true, message: 'If the address can receive messages, a code is on its way.' }
  if (kind === 'magiclink') {
    const { email: mail, phone: number, redirect_uri: redirectUri, platform, project_scope } = body
    if (number) throw new GatewayError('invalid_request', { reason: 'links are sent to e-mail addresses only' })
    if (!mail) throw new GatewayError('missing_email')
    await sendMagicLink(c.var.call, { email: mail, redirectUri, platform, projectScope: project_scope })
    const message = 'If the address can receive messages, a link is on its way.'
    return c.json({ ...sent, message, type: kind, expires_in: LIFETIME_SECONDS })
  }
  const to = await addressOf({ ...body, type: kind })
  const { pause } = await sendCode(c.var.call, { to })
  const paused = pause > 0 && { message: PAUSED, retry_after: pause }
  return c.json({ ...sent, type: to.channel, expires_in: LIFETIME_SECONDS, ...paused })
}

const message = () =>
  z.object({
    success: z.literal(true),
    message: z.string(),
    type: z.string(),
    expires_in: z.int(),
    retry_after: z.optional(z.number()),
  })
const sending: Operation = { summary: 'Sends a one-time password', body: send, answers: { 200: message } }

/** Sends a one-time password by e-mail or text message. The response is the same for every address (docs/security-rules.md S5). */
app.route('POST', '/v1/auth/otp/send', { authority: byProtocol('ceremony'), operation: sending })(sendIt)
app.route('POST', '/v1/auth/otp/resend', {
  authority: byProtocol('ceremony'),
  operation: { ...sending, summary: 'Sends a new one-time password' },
})(sendIt)

app.route('POST', '/v1/auth/otp/verify', {
  authority: byProtocol('ceremony'),
  operation: { summary: 'Signs in with a one-time password', body: verify, answers: { 200: schemas.otpPair } },
})(async (c) => {
  const body = await readBody(c, verify())
  const method = codeMethod(c.var.call, { to: await addressOf(body), code: body.token })
  const request = { platform: body.platform, projectScope: requestedScope(c.var.call, body.project_scope) }
  const signedIn = await signInDirectly(c.var.call, method, request)
  return c.json({ ...signedInBody(c, signedIn), auth_method: 'otp' })
})

export default serve(app)
