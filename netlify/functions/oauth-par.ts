import * as z from 'zod/mini'
import { dpopKeyOf } from '../../shared/access/dpop.ts'
import { ownResource } from '../../shared/access/resource.ts'
import { GatewayError } from '../../shared/errors.ts'
import { gateway } from '../../shared/gateway.ts'
import { createApp } from '../../shared/http/app.ts'
import { readBody } from '../../shared/http/body.ts'
import { BY_CLIENT } from '../../shared/http/operation.ts'
import { byProtocol } from '../../shared/http/route.ts'
import { serve } from '../../shared/http/serve.ts'
import {
  AuthorizationError,
  authorizationParameters,
  checkRedirect,
  checkRequest,
} from '../../shared/oauth/authorize/authorization-request.ts'
import { storePushedRequest } from '../../shared/oauth/authorize/pushed-request.ts'
import { refreshClientDocument } from '../../shared/oauth/clients/client-document.ts'
import { authenticateClient, clientParameters, readClientCredentials } from '../../shared/oauth/token/client-auth.ts'
import { findForService } from '../../shared/queries/authorizations.ts'

const app = createApp('oauth', { tag: 'OAuth 2.1 and OpenID Connect' })

/** Returns the request without the client credentials, so that they are not stored. */
function toQuery(clientId: string, body: z.infer<ReturnType<typeof authorizationParameters>>): URLSearchParams {
  const query = new URLSearchParams({ client_id: clientId })
  for (const name of z.keyof(authorizationParameters()).options)
    for (const value of [body[name] ?? []].flat()) query.append(name, value)
  return query
}

/** The pushed authorization request endpoint (RFC 9126 section 2): the request is validated as at the authorization endpoint. */
app.route('POST', '/oauth/par', {
  authority: byProtocol('client'),
  operation: {
    summary: 'Pushes an authorization request (RFC 9126)',
    body: () => z.extend(authorizationParameters(), clientParameters()),
    ...BY_CLIENT,
    answers: { 201: () => z.object({ request_uri: z.string(), expires_in: z.int() }) },
  },
})(async (c) => {
  const { reads, issuer } = gateway()
  if ([...new URL(c.req.url).searchParams].length > 0)
    throw new GatewayError('invalid_request', { description: 'Parameters must be sent in the request body.' })
  const body = await readBody(c, z.extend(authorizationParameters(), clientParameters()), { repeatable: ['resource'] })
  const credentials = readClientCredentials(c.var.call, body)
  c.var.call.notes.caller = { clientId: credentials.clientId }
  if (!credentials.clientId) throw new GatewayError('invalid_request', { details: { client_id: ['is required'] } })
  await refreshClientDocument(c.var.call, credentials.clientId, 'authorize')
  const found = await findForService(reads, credentials)
  const client = await authenticateClient(gateway(), found, credentials)
  if (body.request_uri) throw new GatewayError('invalid_request', { details: { request_uri: ['cannot be pushed'] } })

  const jkt = await dpopKeyOf(c.var.call)
  if (jkt && body.dpop_jkt && jkt !== body.dpop_jkt)
    throw new GatewayError('invalid_dpop_proof', { reason: 'DPoP proof: key does not match dpop_jkt' })
  const query = toQuery(client.client_id, { ...body, dpop_jkt: body.dpop_jkt ?? jkt })
  try {
    checkRequest(query, checkRedirect(query, client, issuer), [...found.resources, ownResource(issuer)])
  } catch (error) {
    if (!(error instanceof AuthorizationError)) throw error
    throw new GatewayError(error.refusal, { description: error.description })
  }
  return c.json(await storePushedRequest(c.var.call, client, query), 201)
})

export default serve(app)
