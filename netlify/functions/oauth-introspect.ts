import * as z from 'zod/mini'
import { looksLikeApiKey } from '../../packages/auth-server/src/api-key-shape.ts'
import { checkSenderConstraint, forwardedParameters, forwardedProof } from '../../shared/access/sender-constraint.ts'
import { addressKey } from '../../shared/addresses.ts'
import { GatewayError } from '../../shared/errors.ts'
import { gateway } from '../../shared/gateway.ts'
import { type AppContext, createApp } from '../../shared/http/app.ts'
import { readBody, refuseQuery } from '../../shared/http/body.ts'
import { BY_CLIENT } from '../../shared/http/operation.ts'
import { byProtocol } from '../../shared/http/route.ts'
import { serve } from '../../shared/http/serve.ts'
import {
  describeApiKey,
  describeToken,
  findToken,
  isFor,
  type LiveToken,
} from '../../shared/oauth/introspect/introspection.ts'
import {
  authenticateClient,
  provesClient,
  readClientCredentials,
  tokenParameters,
} from '../../shared/oauth/token/client-auth.ts'
import { once } from '../../shared/once.ts'
import type { Client } from '../../shared/queries/api-clients.ts'
import * as oauthSchemas from '../openapi/oauth-schemas.ts'

const app = createApp('oauth', { tag: 'OAuth 2.1 and OpenID Connect' })

const parameters = once(() => z.object({ ...tokenParameters().shape, ...forwardedParameters() }))

/** A holder must prove possession of a bound token; a resource server compares `cnf`, or forwards the proof it received. */
async function isPresentedByHolder(
  c: AppContext,
  body: z.infer<ReturnType<typeof parameters>>,
  { confirmation }: LiveToken,
  caller: Client | undefined,
): Promise<boolean> {
  const forwarded = forwardedProof(body)
  if (!confirmation || (caller && !forwarded)) return true
  const scheme = confirmation.jkt ? 'DPoP' : 'Bearer'
  try {
    await checkSenderConstraint(c.var.call, { token: body.token, scheme, confirmation, forwarded })
    return true
  } catch (error) {
    if (!(error instanceof GatewayError) || error.status !== 401) throw error
    const nonce = error.options.headers?.['DPoP-Nonce']
    if (nonce) c.header('DPoP-Nonce', nonce)
    return false
  }
}

/** Returns the response for an inactive token, and records the request as refused. */
function inactive(c: AppContext) {
  c.var.call.notes.refused = new GatewayError('invalid_token', { reason: 'not active' })
  return { active: false }
}

/** Token introspection (RFC 7662); an unauthenticated caller may introspect a token that it holds. */
app.route('POST', '/oauth/introspect', {
  authority: byProtocol('subject', true),
  operation: {
    summary: 'Introspects a token (RFC 7662)',
    body: parameters,
    ...BY_CLIENT,
    answers: { 200: [oauthSchemas.introspection, 'application/token-introspection+jwt'] },
  },
})(async (c) => {
  const { config, limiter, jwts } = gateway()
  refuseQuery(c, Object.keys(parameters().shape))
  const body = await readBody(c, parameters())
  const credentials = readClientCredentials(c.var.call, body)
  const anonymous = () => limiter.of('introspect-unknown', addressKey(c.var.call.request.clientIp))
  const { method, certificate, clientId, limits } = credentials
  const mayProve = method !== 'none' || (certificate !== undefined && clientId !== undefined)
  const isKey = looksLikeApiKey(body.token)
  if (isKey && !mayProve && !config.INTROSPECTION_REQUIRES_CLIENT_AUTH)
    return c.json((await describeApiKey(c.var.call, body.token)) ?? inactive(c))
  const found = await findToken(gateway(), body.token, { clientId, limits: mayProve ? limits : anonymous() })
  const authenticates = provesClient(found.client, credentials)
  if (config.INTROSPECTION_REQUIRES_CLIENT_AUTH && !authenticates) throw new GatewayError('invalid_client')
  const caller = authenticates ? await authenticateClient(gateway(), found, credentials) : undefined
  if (!caller && found.wait > 0) throw new GatewayError('rate_limited', { retryAfter: found.wait })

  const seen = found.token && isFor(found.token, caller) ? found.token : undefined
  const token = seen && (await isPresentedByHolder(c, body, seen, caller)) ? seen : undefined
  if (!token && !caller) await limiter.hit(anonymous())
  const key = isKey && caller?.first_party ? await describeApiKey(c.var.call, body.token) : undefined
  const answer = token ? describeToken(gateway(), token, caller) : (key ?? inactive(c))
  if (caller && c.req.header('accept')?.includes('application/token-introspection+jwt')) {
    const now = Math.floor(c.var.call.now().getTime() / 1000)
    const claims = { aud: caller.client_id, iat: now, token_introspection: answer }
    const jwt = await jwts.introspection(claims, caller.metadata.introspection_signed_response_alg)
    return c.body(jwt, 200, { 'Content-Type': 'application/token-introspection+jwt' })
  }
  return c.json(answer)
})

export default serve(app)
