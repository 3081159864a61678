import * as z from 'zod/mini'
import type { Call } from '../../shared/call.ts'
import { GatewayError } from '../../shared/errors.ts'
import { gateway } from '../../shared/gateway.ts'
import { createApp } from '../../shared/http/app.ts'
import { readBody, refuseQuery } from '../../shared/http/body.ts'
import { BY_CLIENT } from '../../shared/http/operation.ts'
import { byProtocol } from '../../shared/http/route.ts'
import { serve } from '../../shared/http/serve.ts'
import { refreshClientDocument } from '../../shared/oauth/clients/client-document.ts'
import { DEVICE_CODE, JWT_BEARER_GRANT, TOKEN_EXCHANGE } from '../../shared/oauth/clients/grant-types.ts'
import { redeemCode } from '../../shared/oauth/token/authorization-code.ts'
import {
  type ClientCredentials,
  clientParameters,
  readClientCredentials,
} from '../../shared/oauth/token/client-auth.ts'
import { clientCredentials } from '../../shared/oauth/token/client-credentials.ts'
import { redeemDeviceCode } from '../../shared/oauth/token/device-code.ts'
import { exchangeAssertion } from '../../shared/oauth/token/jwt-bearer.ts'
import { refresh } from '../../shared/oauth/token/refresh-token.ts'
import { ACCESS_TOKEN_TYPE, exchangeToken } from '../../shared/oauth/token/token-exchange.ts'
import { type StartedFamily, type TokenGrant, tokenResponse } from '../../shared/oauth/token/token-response.ts'
import { once } from '../../shared/once.ts'
import * as oauthSchemas from '../openapi/oauth-schemas.ts'

const identifiers = once(() => z.optional(z.array(z.string().check(z.maxLength(2000))).check(z.maxLength(10))))
const token = once(() => z.optional(z.string().check(z.maxLength(8000))))
const parameters = once(() =>
  z.object({
    grant_type: z.optional(z.string().check(z.maxLength(200))),
    ...clientParameters(),
    code: z.optional(z.string().check(z.maxLength(500))),
    redirect_uri: z.optional(z.string().check(z.maxLength(2000))),
    code_verifier: z.optional(z.string().check(z.maxLength(500))),
    device_code: z.optional(z.string().check(z.maxLength(500))),
    refresh_token: z.optional(z.string().check(z.maxLength(500))),
    scope: z.optional(z.string().check(z.maxLength(2000))),
    resource: identifiers(),
    audience: identifiers(),
    assertion: token(),
    subject_token: token(),
    subject_token_type: z.optional(z.string().check(z.maxLength(200))),
    actor_token: token(),
    actor_token_type: z.optional(z.string().check(z.maxLength(200))),
    requested_token_type: z.optional(z.string().check(z.maxLength(200))),
  }),
)

const app = createApp('oauth', { tag: 'OAuth 2.1 and OpenID Connect' })

type StartFamily = (
  call: Call,
  credentials: ClientCredentials,
  body: z.output<ReturnType<typeof parameters>>,
) => Promise<StartedFamily<TokenGrant>>

/** The grants that start a token family. */
const GRANTS = new Map<string, StartFamily>([
  ['authorization_code', redeemCode],
  [DEVICE_CODE, redeemDeviceCode],
  ['client_credentials', clientCredentials],
  [TOKEN_EXCHANGE, exchangeToken],
  [JWT_BEARER_GRANT, exchangeAssertion],
])

/** The token endpoint (OAuth 2.1 section 3.2), for forms and JSON alike. */
app.route('POST', '/oauth/token', {
  authority: byProtocol('client'),
  operation: {
    summary: 'Exchanges a code, refresh token, device code, assertion or token for tokens (OAuth 2.1 section 3.2)',
    body: parameters,
    ...BY_CLIENT,
    answers: { 200: oauthSchemas.tokenResponse },
  },
})(async (c) => {
  refuseQuery(c, Object.keys(parameters().shape))
  const body = await readBody(c, parameters(), { repeatable: ['resource', 'audience'] })
  const credentials = readClientCredentials(c.var.call, body)
  c.var.call.notes.caller = { clientId: credentials.clientId }
  if (!body.grant_type) throw new GatewayError('invalid_request', { details: { grant_type: ['is required'] } })
  if (!credentials.clientId) throw new GatewayError('invalid_request', { details: { client_id: ['is required'] } })
  await refreshClientDocument(c.var.call, credentials.clientId, 'token')
  if (body.grant_type === 'refresh_token') return c.json((await refresh(c.var.call, credentials, body)).response)
  const startFamily = GRANTS.get(body.grant_type)
  if (!startFamily) throw new GatewayError('unsupported_grant_type')
  const response = await tokenResponse(gateway(), await startFamily(c.var.call, credentials, body))
  const isExchanged = body.grant_type === TOKEN_EXCHANGE
  return c.json({ ...response, ...(isExchanged && { issued_token_type: ACCESS_TOKEN_TYPE }) })
})

export default serve(app)
