import { createLocalJWKSet, errors, type JWK, jwtVerify } from 'jose'
import { GatewayError } from '../errors.ts'
import type { Gateway } from '../gateway.ts'
import { newId } from '../ids.ts'
import { type ExternalProfile, profileOf } from '../people/profile.ts'
import type { ConnectionRow } from '../queries/connections.ts'
import { claimOnce } from '../queries/replay-guard.ts'
import { callHook } from './call-hook.ts'
import type { SsoFlow } from './flow.ts'
import { providerError, secretOf } from './oauth-client.ts'

const ALGORITHMS = ['ES256', 'RS256', 'PS256', 'EdDSA', 'Ed25519']
const MAX_SECONDS = 300

/** Either where to send the browser, or an assertion about the person. */
type HookProviderAnswer =
  | { redirect_to: string; assertion?: undefined }
  | { assertion: string; redirect_to?: undefined }

/**
 * Sends a sign-in request to a custom identity provider that is only a hook. It returns where to send the browser, or an assertion.
 * @throws GatewayError provider_failed, provider_denied
 */
export async function askHookProvider(
  gateway: Gateway,
  connection: ConnectionRow,
  { callback, state, nonce }: SsoFlow,
  request: { loginHint?: string; ip?: string; userAgent?: string; locale?: string },
): Promise<HookProviderAnswer> {
  const { slug, settings } = connection
  const { loginHint: login_hint, ip, userAgent: user_agent } = request
  const data = {
    provider: slug,
    callback: `${callback}?state=${state}`,
    state,
    nonce,
    login_hint,
    ip,
    user_agent,
    issuer: gateway.issuer,
  }
  const id = newId()
  const message = { type: 'sign-in', id, timestamp: gateway.now().toISOString(), data }
  const secret = secretOf(gateway, connection) ?? ''
  const answer = await callHook(gateway, { url: settings.hook?.url ?? '', secret, id, message })
  if (!answer.answered) throw providerError(`hook: ${answer.failure}`)
  const { redirect_to, assertion, error } = answer.body
  if (error === 'access_denied') throw new GatewayError('provider_denied')
  if (typeof assertion === 'string') return { assertion }
  const local = typeof redirect_to === 'string' && gateway.config.mode !== 'production'
  const usable =
    typeof redirect_to === 'string' &&
    URL.canParse(redirect_to) &&
    (redirect_to.startsWith('https:') || (local && redirect_to.startsWith('http:')))
  if (!usable) throw providerError('hook: neither an assertion nor an https address')
  return { redirect_to }
}

/**
 * Verifies the assertion of a custom provider: signed by its key, for this flow (`nonce`) and this server (`aud`), used once.
 * @throws GatewayError provider_failed
 */
export async function readHookAssertion(
  gateway: Gateway,
  { slug, settings }: ConnectionRow,
  { nonce }: SsoFlow,
  assertion: string,
): Promise<ExternalProfile> {
  try {
    const keys = createLocalJWKSet({ keys: [settings.hook?.public_jwk as JWK] })
    const { payload } = await jwtVerify(assertion, keys, {
      issuer: slug,
      audience: gateway.issuer,
      algorithms: ALGORITHMS,
      clockTolerance: 10,
      maxTokenAge: MAX_SECONDS,
      requiredClaims: ['sub', 'exp', 'iat', 'jti', 'nonce'],
    })
    const { exp = 0, iat = 0, jti = '' } = payload
    if (payload.nonce !== nonce) throw providerError('assertion: of another flow')
    if (exp - iat > MAX_SECONDS) throw providerError('assertion: lives too long')
    if (!(await claimOnce(gateway.reads, 'hook-assertion', [slug, jti], new Date((exp + 10) * 1000))))
      throw providerError('assertion: seen before')
    const profile = profileOf(payload)
    if (!profile) throw providerError('assertion: no subject')
    return profile
  } catch (error) {
    if (error instanceof GatewayError) throw error
    throw providerError(`assertion: ${error instanceof errors.JOSEError ? error.message : 'unreadable'}`, error)
  }
}
