import { stepUpUrl } from '../../access/step-up.ts'
import { isSubject } from '../../access/subject.ts'
import type { Consent } from '../../domain/consent.ts'
import type { Gateway } from '../../gateway.ts'
import { gateway } from '../../gateway.ts'
import type { GrantedConsent } from '../../queries/agent-delegations.ts'
import { type Client, isStranger } from '../../queries/api-clients.ts'
import type { AuthorizeFacts } from '../../queries/authorizations.ts'
import type { SignedIn } from '../../queries/sessions.ts'
import { hostedCallback, isPrivateUse } from '../clients/redirect-uri.ts'
import type { AuthorizationRequest } from './authorization-request.ts'
import { compareAcr, needsPasskey, wantsMultiFactor } from './requested-acr.ts'

/**
 * Whether a response reaches only the client that an operator registered: a confidential client, or a web application at https. Any
 * program can claim a private-use scheme, an https relay forwards responses to every extension of an editor, and a person can paste
 * a manual code anywhere. Other clients need consent every time (RFC 8252 section 8.6, rule A41).
 */
export function isAssured(client: Client, redirectUri: string): boolean {
  const { application_type, token_endpoint_auth_method: method } = client.metadata
  if (isStranger(client) || isPrivateUse(redirectUri) || redirectUri === hostedCallback(gateway().issuer)) return false
  return method !== 'none' || (application_type === 'web' && redirectUri.startsWith('https:'))
}

/** Returns the person's stored consent, unless the client has changed since (docs/security-rules.md R14). */
export function rememberedConsent(client: Client, consent: GrantedConsent | undefined): Consent {
  const counts = consent && new Date(consent.granted_at) >= new Date(client.identity_changed_at)
  return counts ? consent : { scopes: [], resources: [] }
}

/**
 * Whether an error may be returned by redirect without showing a page. Otherwise anyone who registers a client could use us as an open
 * redirector (RFC 9700 section 4.11.2). Silent requests are always redirected, since they cannot show a page. A private-use scheme
 * opens a program only once this person has allowed the client.
 */
export function mayRedirectWithoutPage(
  client: Client,
  redirectUri: string,
  { prompt, consent }: { prompt: string | null; consent: AuthorizeFacts['consent'] },
): boolean {
  const { scopes, resources } = rememberedConsent(client, consent)
  if (scopes.length + resources.length > 0) return true
  return !isPrivateUse(redirectUri) && (client.first_party || prompt === 'none')
}

/** Whether the last authentication is older than the request allows. One after a pushed request satisfies it. */
function isOld({ now }: Gateway, { maxAge, pushed }: AuthorizationRequest, { session }: SignedIn): boolean {
  if (maxAge === undefined || (pushed && session.authenticatedAt >= pushed.at)) return false
  return now().getTime() - session.authenticatedAt.getTime() > maxAge * 1000
}

/** Whether the person must sign in (again) for this request (OpenID Connect Core section 3.1.2.1). */
export async function signInNeeded(
  gateway: Gateway,
  request: AuthorizationRequest,
  signedIn: SignedIn,
): Promise<boolean> {
  const { prompt, idTokenHint, pushed, client, acr } = request
  const { person, session } = signedIn
  if (pushed && session.authenticatedAt >= pushed.at) return false
  if (prompt.has('login') || prompt.has('select_account')) return true
  // A step-up also counts as an authentication.
  if (isOld(gateway, request, signedIn) && !wantsMultiFactor(acr)) return true
  if (idTokenHint === undefined) return false
  const hint = await gateway.jwts.readIdTokenHint(idTokenHint)
  return !isSubject(gateway, client, person, hint?.sub)
}

/** Returns what the requested authentication context still needs (RFC 9470 section 4). */
export const factorNeeded = (gateway: Gateway, request: AuthorizationRequest, signedIn: SignedIn) =>
  compareAcr(request.acr, signedIn.session, isOld(gateway, request, signedIn))

/** Returns the URL of this request without the parameters that a new authentication satisfies. */
export function wayBack({ client, pushed }: AuthorizationRequest, params: URLSearchParams): string {
  if (pushed)
    return `/oauth/authorize?${new URLSearchParams({ client_id: client.client_id, request_uri: pushed.requestUri })}`
  const back = new URLSearchParams(params)
  const rest = (params.get('prompt') ?? '').split(' ').filter((one) => one !== 'login' && one !== 'select_account')
  back.delete('prompt')
  if (rest.some(Boolean)) back.set('prompt', rest.join(' '))
  const maxAge = params.get('max_age')
  if (maxAge !== null && Number(maxAge) < 60) back.set('max_age', '60')
  back.delete('id_token_hint')
  return `/oauth/authorize?${back}`
}

/** Returns the URL of the sign-in page that returns to this request. */
export function signInUrl(request: AuthorizationRequest, params: URLSearchParams, prompt?: string): string {
  const asked = (params.get('prompt') ?? '').split(' ')
  const forced = prompt ?? asked.find((one) => one === 'login' || one === 'select_account')
  const page = request.client.client_id.toLowerCase().includes('cli') ? '/auth/cli-login' : '/web/login'
  const query = new URLSearchParams({ return_to: wayBack(request, params) })
  if (forced || params.has('max_age') || params.has('id_token_hint')) query.set('prompt', forced ?? 'login')
  return `${page}?${query}`
}

/** Returns the URL of the page that asks for another factor and returns to this request. */
export const stepUpPage = (request: AuthorizationRequest, params: URLSearchParams) =>
  stepUpUrl(wayBack(request, params), needsPasskey(request.acr) ? 'passkey' : undefined)
