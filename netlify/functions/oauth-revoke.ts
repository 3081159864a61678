import * as z from 'zod/mini'
import { revokeAccessToken, revokeFamily } from '../../shared/domain/token-family.ts'
import { commit } from '../../shared/events/commit.ts'
import { gateway } from '../../shared/gateway.ts'
import { createApp } from '../../shared/http/app.ts'
import { readBody, refuseQuery } from '../../shared/http/body.ts'
import { BY_CLIENT } from '../../shared/http/operation.ts'
import { byProtocol } from '../../shared/http/route.ts'
import { serve } from '../../shared/http/serve.ts'
import { refreshClientDocument } from '../../shared/oauth/clients/client-document.ts'
import { findToken } from '../../shared/oauth/introspect/introspection.ts'
import { authenticateClient, readClientCredentials, tokenParameters } from '../../shared/oauth/token/client-auth.ts'
import { resumeFamily } from '../../shared/oauth/token/token-family.ts'

const app = createApp('oauth', { tag: 'OAuth 2.1 and OpenID Connect' })

/**
 * Revocation (RFC 7009). A refresh token revokes its family, an access token only its renewals. A caller that does not identify
 * itself may revoke a token of a public client that it holds (docs/wire-contract.md 1.2).
 */
app.route('POST', '/oauth/revoke', {
  authority: byProtocol('subject', true),
  operation: {
    summary: 'Revokes a token and those derived from it (RFC 7009)',
    body: tokenParameters,
    ...BY_CLIENT,
    answers: { 200: () => z.object({ revoked: z.boolean() }) },
  },
})(async (c) => {
  refuseQuery(c, Object.keys(tokenParameters().shape))
  const body = await readBody(c, tokenParameters())
  const credentials = readClientCredentials(c.var.call, body)
  await refreshClientDocument(c.var.call, credentials.clientId, 'token')

  const revoked = await commit(c.var.call, async (work) => {
    const { clientId, limits } = credentials
    const found = await findToken(gateway(), body.token, { clientId, limits, anyGeneration: true })
    const caller = clientId ? await authenticateClient(gateway(), found, credentials) : undefined
    if (!found.token) return false
    const { family, kind, revocationId: jti, expiresAt } = found.token
    const isPublic = family.client.metadata.token_endpoint_auth_method === 'none'
    const mayRevoke = caller
      ? caller.id === family.client.id || (family.kind === 'session' && caller.first_party)
      : isPublic
    if (!mayRevoke) return false
    // The token of a direct sign-in can be renewed until its family expires.
    const lastEnd = family.kind === 'session' ? family.expiresAt : new Date(expiresAt * 1000)
    resumeFamily(work, family).decide((state) =>
      kind === 'access' && jti ? revokeAccessToken(state, { jti, expiresAt: lastEnd }) : revokeFamily(state, 'client'),
    )
    return true
  })
  return c.json({ revoked })
})

export default serve(app)
