import { stepUpUrl } from '../../access/step-up.ts'
import { isSubject } from '../../access/subject.ts'
import type { Consent } from '../../domain/consent.ts'
import type { Gateway } from '../../gateway.ts'
import { gateway } from '../../gateway.ts'
import { type Client, isStranger } from '../../queries/api-clients.ts'
import type { GrantedConsent } from '../../queries/applications.ts'
import type { AuthorizeFacts } from '../../queries/authorizations.ts'
import type { SignedIn } from '../../queries/sessions.ts'
import { hostedCallback, isPrivateUse } from '../clients/redirect-uri.ts'
import type { AuthorizationRequest } from './authorization-request.ts'
import { compareAcr, wantsMultiFactor } from './requested-acr.ts'

/**
 * Whether an answer reaches the client that an operator registered and no other program: confidential, or a web application at
 * https. Any program can claim a private-use scheme, a relay at https passes answers to every extension of an editor, and at the
 * hosted callback the person carries the answer to whoever asked for it. The others are asked about every time (RFC 8252 section
 * 8.6, rule A41).
 */
export function isAssured(client: Client, redirectUri: string): boolean {
  const { application_type, token_endpoint_auth_method: method } = client.metadata
  if (isStranger(client) || isPrivateUse(redirectUri) || redirectUri === hostedCallback(gateway().issuer)) return false
  return method !== 'none' || (application_type === 'web' && redirectUri.startsWith('https:'))
}

/** What the person has allowed this client, unless it has since become another one (docs/security-rules.md R14). */
export function rememberedConsent(client: Client, consent: GrantedConsent | undefined): Consent {
  const counts = consent && new Date(consent.granted_at) >= new Date(client.identity_changed_at)
  return counts ? consent : { scopes: [], resources: [] }
}

/**
 * Whether an error may go to the client before the person did anything. Otherwise whoever registers a client makes us an open
 * redirector: the person sees a page first (RFC 9700 section 4.11.2). A silent request is answered, which no page could be; a
 * private-use scheme opens a program only once this person has allowed the client.
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

/** Whether the last proof is older than the request allows; whatever a pushed request forces, a proof after it satisfies. */
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
  // A step-up is a proof too, and then there is no need to sign in besides.
  if (isOld(gateway, request, signedIn) && !wantsMultiFactor(acr)) return true
  if (idTokenHint === undefined) return false
  const hint = await gateway.jwts.readIdTokenHint(idTokenHint)
  return !isSubject(gateway, client, person, hint?.sub)
}

/** What is missing of how sure the client wants to be of the person (RFC 9470 section 4). */
export const factorNeeded = (gateway: Gateway, request: AuthorizationRequest, signedIn: SignedIn) =>
  compareAcr(request.acr, signedIn.session, isOld(gateway, request, signedIn))

/** The way back to this request, without what a new proof satisfies. */
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

/** The sign-in page that leads back to this request. */
export function signInUrl(request: AuthorizationRequest, params: URLSearchParams, prompt?: string): string {
  const asked = (params.get('prompt') ?? '').split(' ')
  const forced = prompt ?? asked.find((one) => one === 'login' || one === 'select_account')
  const page = request.client.client_id.toLowerCase().includes('cli') ? '/auth/cli-login' : '/web/login'
  const query = new URLSearchParams({ return_to: wayBack(request, params) })
  if (forced || params.has('max_age') || params.has('id_token_hint')) query.set('prompt', forced ?? 'login')
  return `${page}?${query}`
}

/** The page that asks for one more proof and leads back to this request. */
export const stepUpPage = (request: AuthorizationRequest, params: URLSearchParams) =>
  stepUpUrl(wayBack(request, params))
