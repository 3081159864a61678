import { decodeJwt, errors, type JWTPayload, jwtVerify } from 'jose'
import { CLIENT_SIGNING_ALGORITHMS } from '../../../packages/auth-server/src/signing-algorithms.ts'
import { projectScope } from '../../access/project-scope.ts'
import { registeredForms, withoutSupabase } from '../../access/resource.ts'
import { confirmationFor } from '../../access/sender-constraint.ts'
import type { Call } from '../../call.ts'
import { GatewayError, type Refusal } from '../../errors.ts'
import type { Gateway } from '../../gateway.ts'
import { profileOf } from '../../people/profile.ts'
import type { Client } from '../../queries/api-clients.ts'
import { findForService } from '../../queries/authorizations.ts'
import { type ConnectionRow, findIssuer } from '../../queries/connections.ts'
import { claimOnce } from '../../queries/replay-guard.ts'
import { completeSignIn } from '../../sign-in/complete.ts'
import { accountMethod } from '../../sign-in/external-sign-in.ts'
import { configurationOf, keysOf } from '../../sso/oauth-client.ts'
import { JWT_BEARER_GRANT } from '../clients/grant-types.ts'
import { authenticateClient, type ClientCredentials } from './client-auth.ts'
import { askedScope, parseScope } from './scope.ts'
import type { StartedFamily } from './token-response.ts'

const MAX_SECONDS = 300
const SKEW_SECONDS = 30
const MAX_ID_LENGTH = 512

/** Why an enterprise's user may not sign in; the client gets `invalid_grant`. */
const NOT_ALLOWED: readonly Refusal[] = [
  'link_needed',
  'not_provisioned',
  'access_denied',
  'account_suspended',
  'sign_in_denied',
  'more_proof_needed',
]

const refuse = (reason: string, cause?: unknown) =>
  new GatewayError('invalid_grant', { reason: `ID-JAG: ${reason}`, cause })

/** Verifies an assertion of a provider that an operator trusts, issued to this server only, and returns its claims. */
async function verified(
  gateway: Gateway,
  assertion: string,
): Promise<{ claims: JWTPayload; connection: ConnectionRow }> {
  let issuer: string | undefined
  try {
    issuer = decodeJwt(assertion).iss
  } catch (error) {
    throw refuse('unreadable', error)
  }
  const connection = issuer ? await findIssuer(gateway.reads, issuer) : undefined
  if (!connection || !issuer) throw refuse('issuer is not trusted')
  const keys = keysOf(gateway, await configurationOf(gateway, connection))
  try {
    const { payload } = await jwtVerify(assertion, keys, {
      issuer,
      typ: 'oauth-id-jag+jwt',
      algorithms: CLIENT_SIGNING_ALGORITHMS,
      clockTolerance: SKEW_SECONDS,
      requiredClaims: ['sub', 'aud', 'client_id', 'jti', 'exp', 'iat'],
    })
    return { claims: payload, connection }
  } catch (error) {
    if (error instanceof errors.JOSEError && !(error instanceof errors.JWKSTimeout)) throw refuse(error.message, error)
    throw new GatewayError('service_unavailable', { reason: 'keys of the issuer', cause: error, retryAfter: 5 })
  }
}

function problemOf({ issuer, now }: Gateway, claims: JWTPayload, client: Client): string | undefined {
  const { aud, exp = 0, iat = 0, jti, client_id } = claims
  const audience = Array.isArray(aud) && aud.length === 1 ? aud[0] : aud
  if (audience !== issuer) return 'aud is not only this server'
  if (client_id !== client.client_id) return 'client_id is another client'
  if (exp - iat > MAX_SECONDS + SKEW_SECONDS || iat > now().getTime() / 1000 + SKEW_SECONDS) return 'lives too long'
  return typeof jti === 'string' && jti !== '' && jti.length <= MAX_ID_LENGTH ? undefined : 'jti'
}

/** Returns the requested scopes that the assertion and the client's registration allow; all of those if none are requested. */
function scopeOf(client: Client, allowed: unknown, asked: string | undefined): string[] {
  const may = new Set([...client.metadata.scope.split(' '), ...client.metadata.default_scope.split(' ')])
  const named = typeof allowed === 'string' ? (parseScope(allowed) ?? []) : [...may]
  const requested = askedScope(asked) ?? named
  const scope = requested.filter((one) => may.has(one) && named.includes(one) && one !== 'offline_access')
  if (scope.length === 0) throw new GatewayError('invalid_scope')
  return scope
}

/** Returns the resources in the assertion, as registered; all must be known. */
function resourcesOf(known: string[], named: unknown, asked: string[] | undefined): string[] {
  const listed = [named ?? []].flat().filter((one) => typeof one === 'string')
  try {
    const resources = registeredForms(known, listed)
    if (resources.length === 0) throw refuse('no resource')
    return asked && asked.length > 0 ? registeredForms(resources, asked) : resources
  } catch (error) {
    if (error instanceof GatewayError && error.refusal === 'invalid_target' && !asked?.length) throw refuse('resource')
    throw error
  }
}

/**
 * Exchanges the assertion of an enterprise's identity provider for an access token: what the enterprise allows its user's agent,
 * without asking the user (ID-JAG). An assertion is accepted once. There is no refresh token: the client asks the provider again.
 * @throws GatewayError invalid_request, invalid_client, unauthorized_client, invalid_grant, invalid_scope, invalid_target
 * @see draft-ietf-oauth-identity-assertion-authz-grant-04; MCP enterprise-managed authorization; RFC 7523 sections 2.1 and 3
 */
export async function exchangeAssertion(
  call: Call,
  credentials: ClientCredentials,
  params: { assertion?: string; scope?: string; resource?: string[] },
): Promise<StartedFamily> {
  const { gateway } = call
  const { assertion } = params
  if (!assertion) throw new GatewayError('invalid_request', { details: { assertion: ['is required'] } })
  const found = await findForService(gateway.reads, credentials)
  const client = await authenticateClient(gateway, found, credentials)
  const { grant_types, token_endpoint_auth_method: method } = client.metadata
  if (!grant_types.includes(JWT_BEARER_GRANT) || method === 'none') throw new GatewayError('unauthorized_client')
  const { claims, connection } = await verified(gateway, assertion)
  const problem = problemOf(gateway, claims, client)
  if (problem) throw refuse(problem)
  const known = withoutSupabase(found.resources).map(({ identifier }) => identifier)
  const resources = resourcesOf(known, claims.resource, params.resource)
  const scope = scopeOf(client, claims.scope, params.scope)
  const profile = profileOf(claims)
  if (!profile) throw refuse('sub')
  const confirmation = await confirmationFor(call, client)
  const until = new Date(((claims.exp ?? 0) + SKEW_SECONDS) * 1000)
  const isFirst = await claimOnce(gateway.reads, 'id-jag', [connection.slug, String(claims.jti)], until)
  if (!isFirst) throw refuse('seen before')
  const account = accountMethod(gateway, { connection, profile, method: 'id-jag' })
  const tokens = { client, scope, resources, confirmation }
  const secondFactor = profile.amr?.includes('mfa') ? ('asserted' as const) : undefined
  const request = { platform: 'mcp', projectScope: projectScope(undefined), tokens, secondFactor }
  const { family } = await completeSignIn(call, account, request).catch((error: unknown) => {
    const unknown = error instanceof GatewayError && NOT_ALLOWED.includes(error.refusal)
    throw unknown ? refuse(error.refusal, error) : error
  })
  if (!family) throw new Error('a grant without tokens')
  return family
}
