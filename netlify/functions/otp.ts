import * as z from 'zod/mini'
import { LIFETIME_SECONDS } from '../../shared/domain/otp-challenge.ts'
import { GatewayError } from '../../shared/errors.ts'
import { gateway } from '../../shared/gateway.ts'
import { type AppContext, createApp } from '../../shared/http/app.ts'
import { readBody } from '../../shared/http/body.ts'
import { setSessionCookies } from '../../shared/http/cookies.ts'
import { serve } from '../../shared/http/serve.ts'
import { checkOrigin } from '../../shared/identity/csrf.ts'
import { clientOfPlatform, PLATFORMS, startPair, userOf } from '../../shared/identity/direct-sign-in.ts'
import { sendEmailCode, signInWithCode } from '../../shared/identity/email-code.ts'
import { projectScope } from '../../shared/identity/project-scope.ts'
import { tokenResponse } from '../../shared/oauth/token-response.ts'

const email = z.pipe(
  z.string('missing_email').check(z.trim(), z.maxLength(254, 'invalid_email')),
  z.email('invalid_email'),
)
export const send = z.object({
  email,
  type: z._default(z.literal('email', 'only e-mail codes are available'), 'email'),
  platform: z._default(z.enum(PLATFORMS), 'cli'),
  project_scope: z.optional(z.string().check(z.maxLength(100))),
})
export const verify = z.object({
  email,
  token: z.string('missing_token').check(z.trim(), z.maxLength(40, 'otp_invalid')),
  type: z._default(z.literal('email', 'only e-mail codes are available'), 'email'),
  platform: z._default(z.enum(PLATFORMS), 'cli'),
  project_scope: z.optional(z.string().check(z.maxLength(100))),
})

const app = createApp('api')

async function sendCode(c: AppContext) {
  const body = await readBody(c, send)
  await sendEmailCode(gateway(), c, { email: body.email })
  return c.json({
    success: true,
    message: 'If the address can receive mail, a code is on its way.',
    type: body.type,
    expires_in: LIFETIME_SECONDS,
  })
}

/** One-time passwords by e-mail: the same answer for every address, since sign-up and sign-in are one (standards S5). */
app.post('/v1/auth/otp/send', sendCode)
app.post('/v1/auth/otp/resend', sendCode)

app.post('/v1/auth/otp/verify', async (c) => {
  const body = await readBody(c, verify)
  if (body.platform === 'web') checkOrigin(c, gateway().issuer)
  const scope = projectScope(body.project_scope ?? c.req.header('x-project-scope'))
  const { pair, person, session } = await signInWithCode(
    gateway(),
    c,
    {
      email: body.email,
      code: body.token.replace(/[\s-]/g, ''),
      platform: body.platform,
      projectScope: scope,
      clientId: clientOfPlatform(body.platform),
    },
    (work, signedIn) => {
      const { client } = signedIn
      if (client?.status !== 'active') throw new GatewayError('invalid_client', { reason: 'platform client' })
      return { ...signedIn, pair: startPair(gateway(), work, { ...signedIn, client }) }
    },
  )
  const tokens = await tokenResponse(gateway(), pair.grant, pair)
  if (body.platform === 'web')
    setSessionCookies(c, {
      handle: session.handle,
      user: { id: person.uai, email: person.email, role: person.role },
      maxAge: gateway().config.SESSION_ABSOLUTE_SECONDS,
    })
  return c.json({ ...tokens, auth_method: 'otp', user: userOf(person, scope) })
})

export default serve(app)
