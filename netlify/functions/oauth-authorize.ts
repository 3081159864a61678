import * as z from 'zod/mini'
import { browserSession, noteDeadSession, sessionHandle } from '../../shared/access/authenticate.ts'
import { newFormToken } from '../../shared/access/form-token.ts'
import { ownResource } from '../../shared/access/resource.ts'
import { safeReturnTo } from '../../shared/access/return-to.ts'
import {
  authorization,
  deny,
  grant,
  grantWithoutAsking,
  isPending,
  REQUEST_SECONDS,
  request,
} from '../../shared/domain/authorization.ts'
import { consent as consentAggregate, covers, grant as grantConsent } from '../../shared/domain/consent.ts'
import { GatewayError } from '../../shared/errors.ts'
import { aboutPerson, commit } from '../../shared/events/commit.ts'
import { gateway } from '../../shared/gateway.ts'
import type { AppContext } from '../../shared/http/app.ts'
import { postedField, postedPairs } from '../../shared/http/body.ts'
import { formOperation, type Operation } from '../../shared/http/operation.ts'
import { byProtocol } from '../../shared/http/route.ts'
import { serve } from '../../shared/http/serve.ts'
import { newId } from '../../shared/ids.ts'
import {
  AuthorizationError,
  type AuthorizationRequest,
  authorizationParameters,
  checkRedirect,
  checkRequest,
} from '../../shared/oauth/authorize/authorization-request.ts'
import {
  factorNeeded,
  isAssured,
  mayRedirectWithoutPage,
  rememberedConsent,
  signInNeeded,
  signInUrl,
  stepUpPage,
  wayBack,
} from '../../shared/oauth/authorize/authorize-steps.ts'
import { keepPushedRequestOpen, mustPush, readPushedRequest } from '../../shared/oauth/authorize/pushed-request.ts'
import { refreshClientDocument } from '../../shared/oauth/clients/client-document.ts'
import { scopeForPerson } from '../../shared/oauth/token/scope.ts'
import { once } from '../../shared/once.ts'
import { noticeUse } from '../../shared/people/sign-in-places.ts'
import { type AuthorizeFacts, findAuthorization, findForAuthorize } from '../../shared/queries/authorizations.ts'
import { type SignedIn, touchSession } from '../../shared/queries/sessions.ts'
import { CODE_SECRET_BYTES, newOpaqueToken } from '../../shared/tokens/opaque.ts'
import { errorForPerson, redirectWith } from '../pages/authorization-response.tsx'
import { consentPage } from '../pages/consent-page.tsx'
import { copy, preferLanguages, switchLanguage } from '../pages/copy.ts'
import { form } from '../pages/form.ts'
import { createFormApp, translated } from '../pages/form-answers.ts'
import { welcomePage } from '../pages/signed-in.tsx'

const app = createFormApp('Authorization pages')
app.use(translated)

/** Maximum length of a sign-in URL, since the pages repeat it in their own URLs. */
const MAX_SIGN_IN_URL = 2600

/** The authorization endpoint (OAuth 2.1 section 4.1.1, OpenID Connect Core section 3.1.2). */
async function authorize(c: AppContext, given: URLSearchParams, notice?: string): Promise<Response> {
  const clientId = given.getAll('client_id')[0]
  if (!clientId) throw new GatewayError('invalid_request', { description: 'client_id is required.' })
  await refreshClientDocument(c.var.call, clientId, 'authorize').catch(explainToPerson)
  const { reads, personal, issuer } = gateway()
  const found = await findForAuthorize(reads, personal, { clientId, handle: sessionHandle(c.var.call) })
  const facts = { ...found, resources: [...found.resources, ownResource(issuer)] }
  if (!facts.signedIn) await noteDeadSession(c.var.call)
  const pushed = await readPushedRequest(gateway(), facts.client, given)
  const params = pushed?.parameters ?? given
  await preferLanguages(c, params.get('ui_locales'))
  const redirect = checkRedirect(params, facts.client, issuer)
  try {
    if (!pushed && mustPush(gateway(), redirect.client)) {
      const plain = { redirectUri: redirect.redirectUri, state: params.get('state') ?? undefined }
      throw new AuthorizationError(plain, 'invalid_request', 'The request must be pushed first.')
    }
    const wanted = { ...checkRequest(params, redirect, facts.resources), pushed: pushed?.request }
    return await proceed(c, params, wanted, { ...facts, notice })
  } catch (error) {
    if (!(error instanceof AuthorizationError)) throw error
    const { redirectUri, state, responseMode } = error.request
    const answer = { error: error.refusal, description: error.description, state, responseMode }
    const { consent } = facts
    if (!mayRedirectWithoutPage(redirect.client, redirectUri, { prompt: params.get('prompt'), consent }))
      throw errorForPerson(redirectUri, answer)
    return redirectWith(c, redirectUri, answer)
  }
}

/** Shows a problem of a client metadata document on the error page, for the developer. */
function explainToPerson(error: unknown): never {
  if (!(error instanceof GatewayError) || error.refusal !== 'invalid_client') throw error
  throw new GatewayError('invalid_request', { description: error.message, reason: error.options.reason })
}

async function proceed(
  c: AppContext,
  params: URLSearchParams,
  asked: AuthorizationRequest,
  facts: AuthorizeFacts & { notice?: string },
) {
  const { prompt, client, redirectUri, state, resources, responseMode } = asked
  const { signedIn } = facts
  if (signedIn) noticeUse(c.var.call, signedIn, 'authorize')
  const scope = signedIn ? scopeForPerson(client, signedIn.person, asked.scope) : asked.scope
  if (scope.length === 0) throw new AuthorizationError(asked, 'invalid_scope')
  const wanted = { ...asked, scope }
  const signIn = !signedIn || (await signInNeeded(gateway(), wanted, signedIn))
  const factor = signIn ? 'good' : factorNeeded(gateway(), wanted, signedIn)
  if (factor === 'unmet') throw new AuthorizationError(asked, 'unmet_authentication_requirements')
  if (signIn || factor === 'step_up') {
    if (prompt.has('none')) throw new AuthorizationError(asked, 'login_required')
    if (wanted.pushed) await keepPushedRequestOpen(c.var.call, wanted.pushed)
    const url = signIn ? signInUrl(wanted, params) : stepUpPage(wanted, params)
    if (url.length > MAX_SIGN_IN_URL) throw new AuthorizationError(asked, 'invalid_request', 'The request is too long.')
    return c.redirect(url, c.req.method === 'POST' ? 303 : 302)
  }
  const remembered = covers(rememberedConsent(client, facts.consent), scope, resources)
  const silent = isAssured(client, redirectUri) && (client.first_party || remembered) && !prompt.has('consent')
  if (!silent && prompt.has('none')) throw new AuthorizationError(asked, 'consent_required')

  if (signedIn.session.activityStale) await touchSession(gateway().reads, signedIn.session.id)
  const id = wanted.pushed?.id ?? newId()
  const code = newOpaqueToken(id, CODE_SECRET_BYTES)
  await commit(c.var.call, async (work) => {
    const { person, session } = signedIn
    const now = gateway().now()
    work.actor = { type: 'person', id: person.uai, clientId: client.client_id, sessionId: session.id }
    work.correlationId = id
    work.limits = gateway().limiter.of('authorize', person.uai)
    const options = aboutPerson(person)
    const stream = wanted.pushed ? await work.load(authorization, id, options) : work.start(authorization, id, options)
    const requested = { ...requestFacts(wanted, now), ...authenticationFacts(signedIn) }
    const by = client.first_party ? 'first_party' : 'remembered'
    stream.decide((current) =>
      silent ? grantWithoutAsking(current, requested, { by, codeHash: code.hash, now }) : request(current, requested),
    )
  })
  if (silent) return redirectWith(c, redirectUri, { code: code.token, state, responseMode })
  return consentPage({
    id,
    csrf: newFormToken(c.var.call, { about: aboutOf(signedIn, id) }),
    returnTo: wayBack(wanted, params),
    wanted,
    facts,
    signedIn,
    switchAccountHref: signInUrl(wanted, params, 'select_account'),
    issuer: gateway().issuer,
    notice: facts.notice,
  })
}

const authenticationFacts = ({ person, session }: SignedIn) => ({
  uai: person.uai,
  sessionId: session.id,
  acr: session.acr,
  amr: session.amr,
  authenticatedAt: session.authenticatedAt.toISOString(),
})

function requestFacts(request: AuthorizationRequest, now: Date) {
  const { client, redirectUri, scope, resources, codeChallenge, dpopJkt, state, nonce, responseMode } = request
  return {
    clientId: client.id,
    ...{ redirectUri, scope, resources, codeChallenge, dpopJkt, state, nonce },
    expiresAt: new Date(now.getTime() + REQUEST_SECONDS * 1000).toISOString(),
    ...(responseMode !== 'query' && { responseMode }),
  }
}

const AUTHORIZE = '/oauth/authorize'

const authorizationOperation: Operation = {
  summary: 'Starts an authorization (OAuth 2.1 section 4.1.1)',
  query: authorizationParameters,
  answers: { 200: 'page', 302: 'redirect', 303: 'redirect' },
}

app.route('GET', AUTHORIZE, {
  authority: byProtocol('ceremony'),
  operation: authorizationOperation,
})((c) => authorize(c, new URL(c.req.url).searchParams))
app.route('POST', AUTHORIZE, {
  authority: byProtocol('ceremony'),
  operation: { ...authorizationOperation, query: undefined, body: authorizationParameters },
})(async (c) => authorize(c, await postedPairs(c)))

const aboutOf = ({ session }: SignedIn, authorizationId: string) => `${session.id}.${authorizationId}`

const decisionForm = once(() =>
  z.object({
    authorization_id: z.uuid('csrf_invalid'),
    csrf: z.optional(z.string()),
    decision: z.enum(['allow', 'deny'], 'invalid_request'),
    return_to: z.optional(z.string()),
  }),
)

/** The consent page needs a request; links to its former address end here (docs/wire-contract.md 1.2). */
app.route('GET', '/oauth/consent', {
  authority: byProtocol('ceremony'),
  operation: { summary: 'Always refused; consent needs an authorization request', answers: {} },
})(() => {
  throw new GatewayError('invalid_request', {
    description: 'Consent needs a request of an application. Return to the application and start again.',
  })
})

/** Records the decision on the consent page; the request is loaded, never read from the form (docs/security-rules.md A40). */
app.route('POST', '/oauth/consent', {
  authority: byProtocol('ceremony'),
  operation: formOperation('Grants or denies the request of an application', decisionForm),
})(async (c) => {
  const signedIn = await browserSession(c.var.call)
  if (!signedIn) return askAgain(c, await postedField(c, 'return_to'))
  if (await switchLanguage(c, await postedField(c, 'language'))) return showAgain(c, await postedField(c, 'return_to'))
  return form(c, {
    schema: decisionForm(),
    about: ({ authorization_id: id = '' }) => aboutOf(signedIn, id),
    restart: ({ typed }) => askAgain(c, typed.return_to),
    act: ({ authorization_id: id, decision, return_to }) =>
      decide(c, signedIn, id, decision).catch(async (error: unknown) => {
        if (!(error instanceof GatewayError) || error.refusal !== 'csrf_invalid') throw error
        c.var.call.notes.refused = error
        return (await isRedeemed(id)) ? welcomePage(c, signedIn) : askAgain(c, return_to)
      }),
  })
})

/** Starts the request of a consent page again. */
async function showAgain(c: AppContext, returnTo: string | undefined, notice?: string): Promise<Response> {
  const own = safeReturnTo(gateway().config, returnTo)
  if (!own?.startsWith(`${AUTHORIZE}?`)) throw new GatewayError('csrf_invalid', { reason: 'no request to return to' })
  return authorize(c, new URL(own, gateway().issuer).searchParams, notice)
}

/** The same for a page that has expired or belongs to another session. */
async function askAgain(c: AppContext, returnTo: string | undefined): Promise<Response> {
  const answer = await showAgain(c, returnTo, copy.form.expired)
  return answer.status === 200 ? new Response(answer.body, { status: 403, headers: answer.headers }) : answer
}

async function isRedeemed(id: string): Promise<boolean> {
  const { events } = await findAuthorization(gateway().reads, gateway().personal, { id })
  return events.some(({ type }) => type === 'AuthorizationCodeRedeemed')
}

/** @throws GatewayError csrf_invalid if this session can no longer decide the request */
async function decide(
  c: AppContext,
  { person, session }: SignedIn,
  id: string,
  decision: 'allow' | 'deny',
): Promise<Response> {
  const code = newOpaqueToken(id, CODE_SECRET_BYTES)
  const facts = await commit(c.var.call, async (work) => {
    const now = gateway().now()
    const found = await findAuthorization(gateway().reads, gateway().personal, { id })
    const client = found.requestedBy
    if (client?.status !== 'active') throw new GatewayError('csrf_invalid', { reason: 'client is not active' })
    work.actor = { type: 'person', id: person.uai, clientId: client.client_id, sessionId: session.id }
    work.correlationId = id
    const stream = work.resume(authorization, id, found.events, aboutPerson(person))
    const { state } = stream
    if (!isPending(state, session.id, now)) throw new GatewayError('csrf_invalid', { reason: 'not pending' })
    const { scope, resources } = state.facts
    if (decision === 'deny') {
      stream.decide((current) => deny(current, { sessionId: session.id, now }))
      return state.facts
    }
    stream.decide((current) => grant(current, { scope, sessionId: session.id, codeHash: code.hash, now }))
    const consent = found.consent
      ? work.resume(
          consentAggregate,
          found.consent.id,
          { state: rememberedConsent(client, found.consent), version: found.consent.version },
          aboutPerson(person),
        )
      : work.start(consentAggregate, newId(), aboutPerson(person))
    consent.decide((current) =>
      grantConsent(current, { uai: person.uai, clientId: client.id, scopes: scope, resources }),
    )
    return state.facts
  })
  const answer = decision === 'deny' ? { error: 'access_denied' as const } : { code: code.token }
  return redirectWith(c, facts.redirectUri, { ...answer, state: facts.state, responseMode: facts.responseMode })
}

export default serve(app)
