import * as z from 'zod/mini'
import { GatewayError } from '../../shared/errors.ts'
import { gateway } from '../../shared/gateway.ts'
import { type AppContext, createApp } from '../../shared/http/app.ts'
import { readBody } from '../../shared/http/body.ts'
import { serve } from '../../shared/http/serve.ts'
import { authenticate, checkAccessToken, type Principal } from '../../shared/identity/authenticate.ts'

const app = createApp('api')

function describe({ person, session, family, scope, expiresAt }: Principal) {
  return {
    id: person.uai,
    sub: person.uai,
    uai: person.uai,
    email: person.email,
    role: person.role,
    plan: person.plan,
    organization_id: person.organizationId,
    project_scope: session.projectScope,
    platform: session.platform,
    scope: scope.join(' '),
    client_id: family?.client.client_id,
    session_id: session.id,
    exp: Math.floor(expiresAt.getTime() / 1000),
  }
}

/** First-party yes or no, for any credential (wire-contract 1.4): members both in `payload` and at the top. */
async function verify(c: AppContext) {
  try {
    const payload = describe(await authenticate(gateway(), c))
    return c.json({ valid: true, payload, ...payload })
  } catch (error) {
    if (!(error instanceof GatewayError) || error.status !== 401) throw error
    throw new GatewayError(error.refusal, { ...error.options, body: { valid: false } })
  }
}

app.post('/v1/auth/verify', verify)
app.get('/v1/auth/verify', verify)

const tokenBody = z.object({ token: z.optional(z.string().check(z.maxLength(8000))) })

/** Both verdicts are 200; trouble of our own is 5xx, never `valid: false` (wire-contract 5.9). */
app.post('/v1/auth/verify-token', async (c) => {
  const { token } = await readBody(c, tokenBody)
  if (!token) throw new GatewayError('missing_token', { body: { valid: false } })
  const verdict = await checkAccessToken(gateway(), token)
  if (!verdict.valid) {
    const { message, code } = new GatewayError(verdict.refusal)
    return c.json({ valid: false, error: message, code })
  }
  const { family, claims, expiresAt } = verdict
  const { person } = family
  return c.json({
    valid: true,
    type: family.kind === 'session' ? 'jwt' : 'oauth_access_token',
    user: { id: person.uai, email: person.email, role: person.role },
    scope: claims.scope,
    client_id: family.client.client_id,
    expires_at: expiresAt.toISOString(),
  })
})

export default serve(app)
