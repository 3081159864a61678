import * as z from 'zod/mini'
import { bearerToken } from '../../shared/access/authenticate.ts'
import { requestedScope } from '../../shared/access/project-scope.ts'
import { addressKey } from '../../shared/addresses.ts'
import { GatewayError } from '../../shared/errors.ts'
import { gateway } from '../../shared/gateway.ts'
import { createApp } from '../../shared/http/app.ts'
import { readBody } from '../../shared/http/body.ts'
import { byProtocol } from '../../shared/http/route.ts'
import { serve } from '../../shared/http/serve.ts'
import { once } from '../../shared/once.ts'
import { accountOf, addAccount } from '../../shared/people/external-account.ts'
import { provenBy } from '../../shared/people/identity-callers.ts'
import { signInDirectly } from '../../shared/sign-in/direct-sign-in.ts'
import { accountMethod } from '../../shared/sign-in/external-sign-in.ts'
import { audienceInput } from '../../shared/sign-in/fields.ts'
import { supabaseAccount } from '../../shared/sso/supabase-project.ts'
import { readSupabaseToken } from '../../shared/sync/supabase-users.ts'
import * as schemas from '../openapi/schemas.ts'
import { passwordBody } from '../pages/sign-in-response.ts'

const app = createApp('api', { tag: 'Sign-in' })

const exchange = once(() =>
  z.object({
    ...audienceInput('web'),
    /** A token of the person to link the account to, needed when its e-mail address is not enough. */
    subject_token: z.optional(z.string().check(z.maxLength(8000))),
  }),
)

/**
 * Exchanges a Supabase access token for a session, with cookies for browsers (docs/wire-contract.md 1.4 and 5.4). If the unconfirmed
 * address of the account belongs to a person here, `subject_token` of that person is required, so that both accounts are proven. A token
 * with `aal2` counts for the second factor; with another one, whatever is sensitive still asks for a step-up.
 */
app.route('POST', '/v1/auth/token/exchange', {
  authority: byProtocol('ceremony'),
  operation: {
    summary: 'Exchanges a Supabase access token for a session',
    by: ['token'],
    body: exchange,
    answers: { 200: schemas.pair },
  },
})(async (c) => {
  const token = bearerToken(c.var.call)
  if (!token) throw new GatewayError('token_missing')
  const { limiter } = gateway()
  await limiter.enforce(limiter.of('supabase-exchange', addressKey(c.var.call.request.clientIp)))
  const { project_scope, platform, subject_token } = await readBody(c, exchange())
  const profile = await readSupabaseToken(gateway(), token)
  const account = supabaseAccount(profile, 'supabase')
  if (subject_token) await addAccount(c.var.call, accountOf(account), await provenBy(gateway(), subject_token))
  const secondFactor = profile.amr?.includes('mfa') ? ('asserted' as const) : ('waived' as const)
  const request = { platform, projectScope: requestedScope(c.var.call, project_scope), secondFactor }
  return c.json(passwordBody(c, await signInDirectly(c.var.call, accountMethod(gateway(), account), request)))
})

export default serve(app)
