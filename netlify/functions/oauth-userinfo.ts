import * as z from 'zod/mini'
import { checkAccessToken } from '../../shared/access/access-token.ts'
import { bearerToken, schemeOf } from '../../shared/access/authenticate.ts'
import { insufficientScope } from '../../shared/access/insufficient-scope.ts'
import { checkSenderConstraint } from '../../shared/access/sender-constraint.ts'
import { GatewayError } from '../../shared/errors.ts'
import { gateway } from '../../shared/gateway.ts'
import { type AppContext, createApp } from '../../shared/http/app.ts'
import { readBody } from '../../shared/http/body.ts'
import type { Operation } from '../../shared/http/operation.ts'
import { byProtocol } from '../../shared/http/route.ts'
import { serve } from '../../shared/http/serve.ts'
import { checkOrigin } from '../../shared/oauth/token/client-auth.ts'
import { scopeClaims } from '../../shared/oauth/token/token-response.ts'
import { once } from '../../shared/once.ts'
import * as schemas from '../openapi/schemas.ts'

const form = once(() => z.object({ access_token: z.optional(z.string().check(z.maxLength(8000))) }))

const app = createApp('oauth', { tag: 'OAuth 2.1 and OpenID Connect' })

async function userinfo(c: AppContext, token: string | undefined): Promise<Response> {
  if (!token) throw new GatewayError('token_required')
  const verdict = await checkAccessToken(gateway(), token)
  if (!verdict.valid) throw new GatewayError(verdict.refusal)
  const { confirmation, scope, family } = verdict
  await checkSenderConstraint(c.var.call, { token, scheme: schemeOf(c.var.call), confirmation })
  checkOrigin(family.client, c.req.header('origin'))
  const { person } = family
  if (!person) throw new GatewayError('invalid_token', { reason: 'a service has no profile' })
  if (!scope.includes('openid')) throw insufficientScope('first_party', ['openid'])
  return c.json({ sub: person.alias ?? person.uai, ...scopeClaims(person, scope) })
}

const claims: Operation = {
  summary: 'Returns claims about the person (OpenID Connect Core section 5.3)',
  by: ['token'],
  answers: { 200: () => z.looseObject({ sub: schemas.subject() }) },
}

/** UserInfo (OpenID Connect Core section 5.3), for any token with the scope `openid`, regardless of its audience. */
app.route('GET', '/oauth/userinfo', {
  authority: byProtocol('subject'),
  operation: claims,
})((c) => userinfo(c, bearerToken(c.var.call)))
app.route('POST', '/oauth/userinfo', {
  authority: byProtocol('subject'),
  operation: { ...claims, body: form },
})(async (c) => {
  const { access_token } = await readBody(c, form())
  const header = bearerToken(c.var.call)
  if (header && access_token) throw new GatewayError('invalid_request', { description: 'Send the token only once.' })
  return userinfo(c, header ?? access_token)
})

export default serve(app)
