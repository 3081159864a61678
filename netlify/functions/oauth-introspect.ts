import { GatewayError } from '../../shared/errors.ts'
import { gateway } from '../../shared/gateway.ts'
import { createApp } from '../../shared/http/app.ts'
import { readBody, refuseQuery } from '../../shared/http/body.ts'
import { addressKey } from '../../shared/http/rate-limit.ts'
import { serve } from '../../shared/http/serve.ts'
import { authenticateClient, readClientCredentials, secretLimits } from '../../shared/oauth/client-auth.ts'
import { describeToken, findToken, isFor } from '../../shared/oauth/introspection.ts'
import { tokenParameters } from '../../shared/oauth/token-parameters.ts'

const app = createApp('oauth')

/** Token introspection (RFC 7662); a caller that does not authenticate may ask about a token it holds. */
app.post('/oauth/introspect', async (c) => {
  const { config, limiter, issuer, jwts } = gateway()
  refuseQuery(c, Object.keys(tokenParameters.shape))
  const body = await readBody(c, tokenParameters)
  const credentials = readClientCredentials(c, body)
  const onFailure = secretLimits(limiter, c, credentials)
  const anonymous = limiter.limit('introspect-unknown', addressKey(c.get('clientIp')), 300, 60)
  const found = await findToken(gateway(), body.token, {
    clientId: credentials.clientId,
    limits: credentials.secret === undefined ? [anonymous] : onFailure,
  })
  const authenticates = credentials.secret !== undefined
  if (config.INTROSPECTION_REQUIRES_CLIENT_AUTH && !authenticates) throw new GatewayError('invalid_client')
  const caller = authenticates
    ? await authenticateClient(gateway(), found.client, credentials, { wait: found.wait, onFailure })
    : undefined
  if (!caller && found.wait > 0) throw new GatewayError('rate_limited', { retryAfter: found.wait })

  const token = found.token && (!caller || isFor(found.token, caller)) ? found.token : undefined
  if (!token && !caller) await limiter.hit([anonymous])
  const answer = token ? describeToken(issuer, token) : { active: false }
  if (caller && c.req.header('accept')?.includes('application/token-introspection+jwt')) {
    const now = Math.floor(Date.now() / 1000)
    const jwt = await jwts.introspection({ aud: caller.client_id, iat: now, token_introspection: answer })
    return c.body(jwt, 200, { 'Content-Type': 'application/token-introspection+jwt' })
  }
  return c.json(answer)
})

export default serve(app)
