import * as z from 'zod/mini'
import { dpopKeyOf } from '../../shared/access/dpop.ts'
import { ownResource } from '../../shared/access/resource.ts'
import { GatewayError } from '../../shared/errors.ts'
import { gateway } from '../../shared/gateway.ts'
import { createApp } from '../../shared/http/app.ts'
import { readBody } from '../../shared/http/body.ts'
import { byProtocol } from '../../shared/http/route.ts'
import { serve } from '../../shared/http/serve.ts'
import { AuthorizationError, checkRedirect, checkRequest } from '../../shared/oauth/authorize/authorization-request.ts'
import { storePushedRequest } from '../../shared/oauth/authorize/pushed-request.ts'
import { refreshClientDocument } from '../../shared/oauth/clients/client-document.ts'
import {
  authenticateClient,
  clientParameters,
  readClientCredentials,
  secretLimits,
} from '../../shared/oauth/token/client-auth.ts'
import { once } from '../../shared/once.ts'
import { findForService } from '../../shared/queries/authorizations.ts'

const app = createApp('oauth')

const text = once(() => z.optional(z.string().check(z.maxLength(4000))))
/** What an authorization request may say (OAuth 2.1 section 4.1.1, OpenID Connect Core section 3.1.2.1); the rest is ignored. */
export const parameters = once(() =>
  z.object({
    response_type: text(),
    response_mode: text(),
    redirect_uri: text(),
    scope: text(),
    state: text(),
    nonce: text(),
    code_challenge: text(),
    code_challenge_method: text(),
    dpop_jkt: text(),
    prompt: text(),
    max_age: text(),
    acr_values: text(),
    claims: text(),
    id_token_hint: z.optional(z.string().check(z.maxLength(8000))),
    login_hint: text(),
    request: z.optional(z.string()),
    request_uri: text(),
    registration: text(),
    resource: z.optional(z.array(z.string().check(z.maxLength(2000))).check(z.maxLength(10))),
  }),
)

function toQuery(clientId: string, body: z.infer<ReturnType<typeof parameters>>): URLSearchParams {
  const query = new URLSearchParams({ client_id: clientId })
  for (const [name, value] of Object.entries(body))
    for (const one of Array.isArray(value) ? value : [value]) if (one !== undefined) query.append(name, one)
  return query
}

/** The pushed authorization request endpoint (RFC 9126 section 2): the request is checked here as it will be there. */
app.route('POST', '/oauth/par', { authority: byProtocol('client') }, async (c) => {
  const { limiter, reads, issuer } = gateway()
  if ([...new URL(c.req.url).searchParams].length > 0)
    throw new GatewayError('invalid_request', { description: 'Parameters must be sent in the request body.' })
  const body = await readBody(c, z.extend(parameters(), clientParameters()), { repeatable: ['resource'] })
  const credentials = readClientCredentials(c.var.call, body)
  c.var.call.notes.caller = { clientId: credentials.clientId }
  if (!credentials.clientId) throw new GatewayError('invalid_request', { details: { client_id: ['is required'] } })
  await refreshClientDocument(c.var.call, credentials.clientId, 'authorize')
  const limits = secretLimits(limiter, c.var.call, credentials)
  const found = await findForService(reads, { clientId: credentials.clientId, limits })
  const client = await authenticateClient(gateway(), found.client, credentials, { wait: found.wait, onFailure: limits })
  if (body.request_uri) throw new GatewayError('invalid_request', { details: { request_uri: ['cannot be pushed'] } })

  const jkt = await dpopKeyOf(c.var.call)
  if (jkt && body.dpop_jkt && jkt !== body.dpop_jkt)
    throw new GatewayError('invalid_dpop_proof', { reason: 'DPoP proof: another key than dpop_jkt' })
  const query = toQuery(client.client_id, { ...parametersOf(body), dpop_jkt: body.dpop_jkt ?? jkt })
  try {
    checkRequest(query, checkRedirect(query, client, issuer), [...found.resources, ownResource(issuer)])
  } catch (error) {
    if (!(error instanceof AuthorizationError)) throw error
    throw new GatewayError(error.refusal, { description: error.description })
  }
  return c.json(await storePushedRequest(c.var.call, client, query), 201)
})

/** A body without what it says to authenticate the client, which is nobody else's business. */
function parametersOf(body: z.infer<ReturnType<typeof parameters>>): z.infer<ReturnType<typeof parameters>> {
  return Object.fromEntries(Object.keys(parameters().shape).map((name) => [name, body[name as keyof typeof body]]))
}

export default serve(app)
