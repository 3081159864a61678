import * as z from 'zod/mini'
import { checkOrigin } from '../../shared/access/csrf.ts'
import { gateway } from '../../shared/gateway.ts'
import { createApp } from '../../shared/http/app.ts'
import { readBody } from '../../shared/http/body.ts'
import { byProtocol } from '../../shared/http/route.ts'
import { serve } from '../../shared/http/serve.ts'
import { connectDevice, findOpenDevice } from '../../shared/oauth/device/device-steps.ts'
import { once } from '../../shared/once.ts'
import { completeHeld } from '../../shared/sign-in/complete-held.ts'
import { directSignIn } from '../../shared/sign-in/direct-sign-in.ts'
import { openHeld } from '../../shared/sign-in/second-factor.ts'
import * as schemas from '../openapi/schemas.ts'
import { passwordBody } from '../pages/sign-in-response.ts'

const app = createApp('api', { tag: 'Sign-in' })

const verifyBody = once(() =>
  z.object({ mfa_token: z.string().check(z.maxLength(8000)), code: z.string('otp_malformed').check(z.maxLength(100)) }),
)
const connected = () => z.object({ success: z.literal(true), message: z.string() })

/**
 * Completes a sign-in that was answered with `mfa_required`: with the code of the authenticator app or a recovery code. The response is
 * the one that the sign-in would have had.
 */
app.route('POST', '/v1/auth/mfa/verify', {
  authority: byProtocol('ceremony'),
  operation: {
    summary: 'Completes a sign-in with its second factor',
    body: verifyBody,
    answers: { 200: () => z.union([schemas.pair(), connected()]) },
  },
})(async (c) => {
  const { call } = c.var
  const { mfa_token, code } = await readBody(c, verifyBody())
  const held = openHeld(gateway(), mfa_token)
  if (held.platform === 'web') checkOrigin(call, gateway().issuer)
  const device = held.device === undefined ? undefined : await findOpenDevice(call, held.device)
  const completed = await completeHeld(call, held, { code })
  if (!device) return c.json(passwordBody(c, await directSignIn(call, completed, held.projectScope)))
  await connectDevice(call, device, completed)
  return c.json({ success: true, message: 'The device is connected. You can return to it.' })
})

export default serve(app)
