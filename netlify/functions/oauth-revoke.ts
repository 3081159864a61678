import * as z from 'zod/mini'
import { revokeAccessToken, revokeFamily, tokenFamily } from '../../shared/domain/token-family.ts'
import { commit } from '../../shared/events/commit.ts'
import { commitContext, gateway } from '../../shared/gateway.ts'
import { createApp } from '../../shared/http/app.ts'
import { readBody, refuseQuery } from '../../shared/http/body.ts'
import { serve } from '../../shared/http/serve.ts'
import { authenticateClient, readClientCredentials, secretLimits } from '../../shared/oauth/client-auth.ts'
import { findToken } from '../../shared/oauth/introspection.ts'

const parameters = z.object({
  token: z.string('is required').check(z.minLength(1), z.maxLength(8000)),
  token_type_hint: z.optional(z.string().check(z.maxLength(200))),
  client_id: z.optional(z.string().check(z.maxLength(500))),
  client_secret: z.optional(z.string().check(z.maxLength(500))),
})

const app = createApp('oauth')

/**
 * Revocation (RFC 7009). A refresh token takes its family with it, an access token goes alone. A client that neither names
 * nor proves itself may revoke a public client's token that it holds (wire-contract 1.2).
 */
app.post('/oauth/revoke', async (c) => {
  const { limiter } = gateway()
  refuseQuery(c, Object.keys(parameters.shape))
  const body = await readBody(c, parameters)
  const credentials = readClientCredentials(c, body)
  const onFailure = secretLimits(limiter, c, credentials)

  const revoked = await commit(commitContext(gateway(), c), async (work) => {
    const found = await findToken(gateway(), body.token, {
      clientId: credentials.clientId,
      limits: onFailure,
      anyGeneration: true,
    })
    const caller = credentials.clientId
      ? await authenticateClient(limiter, found.client, credentials, { wait: found.wait, onFailure })
      : undefined
    if (!found.token) return false
    const { family, kind, jti, expiresAt } = found.token
    const isPublic = family.client.metadata.token_endpoint_auth_method === 'none'
    const mayRevoke = caller
      ? caller.id === family.client.id || (family.kind === 'session' && caller.first_party)
      : isPublic
    if (!mayRevoke) return false
    work.knowKey(family.person.uai, family.person.wrappedKey)
    work.actor = {
      type: 'person',
      id: family.person.uai,
      clientId: family.client.client_id,
      sessionId: family.session.id,
    }
    work.correlationId = family.id
    const stream = work.resumeAt(tokenFamily, family.id, family, { subject: family.person.uai })
    stream.decide((state) =>
      kind === 'access' && jti
        ? revokeAccessToken(state, { jti, expiresAt: new Date(expiresAt * 1000) })
        : revokeFamily(state, 'client'),
    )
    return true
  })
  return c.json({ revoked })
})

export default serve(app)
