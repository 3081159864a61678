import { checkAccessToken } from '../../access/access-token.ts'
import { checkSenderConstraint, type TokenScheme } from '../../access/sender-constraint.ts'
import type { Call } from '../../call.ts'
import { GatewayError } from '../../errors.ts'
import { noticeTokenUse } from '../../people/sign-in-places.ts'
import { touchSession } from '../../queries/sessions.ts'
import { renewedAccessTokenId } from '../../tokens/jwt.ts'
import type { Refreshed } from './refresh-token.ts'
import { scopeForPerson } from './scope.ts'
import { tokenResponse } from './token-response.ts'

/**
 * Renews the access token of a direct sign-in without a refresh token, for an SDK that has none. The new token has the same
 * resources, scope and key, and ends with the session. Revoking either token, their family or their session ends both.
 * @throws GatewayError invalid_token, session_invalid, invalid_dpop_proof, invalid_refresh_token, rate_limited
 */
export async function renewAccessToken(
  call: Call,
  { token, scheme }: { token: string; scheme: TokenScheme },
): Promise<Refreshed> {
  const { gateway } = call
  const verdict = await checkAccessToken(gateway, token)
  if (!verdict.valid) throw new GatewayError(verdict.refusal)
  const { family, claims, scope, audience, confirmation } = verdict
  await checkSenderConstraint(call, { token, scheme, confirmation })
  if (family.kind !== 'session') throw new GatewayError('invalid_refresh_token', { reason: 'not a direct sign-in' })
  const { session } = family
  await gateway.limiter.enforce(gateway.limiter.of('refresh', family.id))
  noticeTokenUse(call, family, 'renewal')
  if (session.activityStale) await touchSession(gateway.reads, session.id)
  const grant = {
    ...family,
    familyId: family.id,
    scope: scopeForPerson(family.client, family.person, family.scope).filter((one) => scope.includes(one)),
    resources: family.resources.filter((one) => audience.includes(one)),
    confirmation,
  }
  const jti = renewedAccessTokenId(claims.jti ?? '')
  const until = new Date(Math.min(family.expiresAt.getTime(), session.expiresAt.getTime()))
  const from = {
    scopes: scope,
    resources: audience,
    expiresAt: until.toISOString(),
    bound: confirmation !== undefined,
  }
  const response = await tokenResponse(gateway, { grant, jti, until, from, now: gateway.now() })
  return { response, family }
}
