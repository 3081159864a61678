import { createHash } from 'node:crypto'
import * as z from 'zod/mini'
import { GatewayError, type Refusal } from '../../shared/errors.ts'
import { gateway } from '../../shared/gateway.ts'
import { type AppContext, createApp } from '../../shared/http/app.ts'
import { readBody, readQuery } from '../../shared/http/body.ts'
import { pageOperation } from '../../shared/http/operation.ts'
import { byProtocol } from '../../shared/http/route.ts'
import { serve } from '../../shared/http/serve.ts'
import { once } from '../../shared/once.ts'
import { claimOnce } from '../../shared/queries/replay-guard.ts'
import { clearFlow, type SsoFlow, sealProfile, writeFlow } from '../../shared/sso/flow.ts'
import { providerError } from '../../shared/sso/oauth-client.ts'
import { endUpstreamSessions, readLogoutTicket, ticketQuery } from '../../shared/sso/provider-logout.ts'
import { checkLogout, readResponse, samlAddress, samlMetadata, samlOf } from '../../shared/sso/saml.ts'
import { finishFlow } from '../../shared/sso/sso-finish.ts'
import {
  backToSignIn,
  beginFlow,
  enabledConnection,
  startQuery,
  takeFlow,
  takeProfile,
} from '../../shared/sso/sso-steps.ts'
import { errorPage } from '../pages/error-page.tsx'
import { redirectTo } from '../pages/sign-in-response.ts'

const BASE = '/v1/auth/saml/:slug'
const app = createApp('api', { tag: 'Other identity providers', errorPage })

async function samlConnection(c: AppContext) {
  const connection = await enabledConnection(gateway(), c.req.param('slug') ?? '')
  if (connection.settings.protocol !== 'saml') throw new GatewayError('provider_unknown')
  return connection
}

/** Metadata for import by the identity provider (SAML 2.0 Metadata). */
app.route('GET', `${BASE}/metadata`, {
  authority: byProtocol('ceremony'),
  operation: { summary: 'Returns service provider metadata', answers: { 200: 'application/samlmetadata+xml' } },
})(async (c) => {
  const connection = await samlConnection(c)
  return c.body(samlMetadata(gateway(), connection), 200, { 'Content-Type': 'application/samlmetadata+xml' })
})

app.route('GET', `${BASE}/start`, {
  authority: byProtocol('ceremony'),
  operation: pageOperation('Redirects the browser to a SAML provider', startQuery),
})(async (c) => {
  const connection = await samlConnection(c)
  const query = { ...readQuery(c, startQuery()), provider: connection.slug }
  const flow = await beginFlow(c.var.call, query, samlAddress(gateway(), connection.slug, 'acs'))
  const url = await (await samlOf(gateway(), connection, flow)).getAuthorizeUrlAsync(flow.state, undefined, {})
  await writeFlow(c.var.call, flow, { posted: true })
  return c.redirect(url, 302)
})

const answerForm = once(() =>
  z.object({
    SAMLResponse: z.string('invalid_request').check(z.maxLength(60_000)),
    RelayState: z.optional(z.string().check(z.maxLength(200))),
  }),
)

/** Assertion consumer service: accepts only a response to a request of this browser, and each assertion once. */
app.route('POST', `${BASE}/acs`, {
  authority: byProtocol('ceremony'),
  operation: { ...pageOperation('Receives a SAML response'), body: answerForm },
})(async (c) => {
  const connection = await samlConnection(c)
  let flow: SsoFlow | undefined
  try {
    const { SAMLResponse, RelayState } = await readBody(c, answerForm())
    flow = await takeFlow(c.var.call, connection.slug, RelayState ?? null)
    const { profile, assertion } = await readResponse(gateway(), connection, flow, SAMLResponse)
    const digest = createHash('sha256').update(assertion).digest('hex')
    const until = new Date(Date.now() + 3_600_000)
    if (!(await claimOnce(gateway().reads, 'saml-assertion', [connection.slug, digest], until)))
      throw providerError('SAML: assertion seen before')
    const answer = sealProfile(gateway(), flow, profile)
    return c.redirect(`/v1/auth/saml/${connection.slug}/acs?${new URLSearchParams({ state: flow.state, answer })}`, 303)
  } catch (error) {
    if (flow) clearFlow(c.var.call, flow)
    return redirectTo(c, backToSignIn(error, flow), 302)
  }
})

const finishQuery = once(() =>
  z.object({
    state: z.string('sso_state_invalid').check(z.maxLength(200, 'sso_state_invalid')),
    answer: z.string('sso_state_invalid').check(z.maxLength(8000, 'sso_state_invalid')),
  }),
)

/** Finishes the flow with the cookies of this browser, which a cross-site post does not carry. */
app.route('GET', `${BASE}/acs`, {
  authority: byProtocol('ceremony'),
  operation: pageOperation('Finishes the sign-in after a SAML response', finishQuery),
})(async (c) => {
  const connection = await samlConnection(c)
  let flow: SsoFlow | undefined
  try {
    const taken = await takeProfile(c.var.call, connection.slug, readQuery(c, finishQuery()))
    flow = taken.flow
    clearFlow(c.var.call, flow)
    return redirectTo(
      c,
      await finishFlow(c.var.call, flow, { connection, profile: taken.profile, method: 'saml' }),
      302,
    )
  } catch (error) {
    return redirectTo(c, backToSignIn(error, flow), 302)
  }
})

/** Signs a browser out at the provider after it signed out here. */
app.route('GET', `${BASE}/logout`, {
  authority: byProtocol('ceremony'),
  operation: pageOperation('Signs out at the SAML provider', ticketQuery),
})(async (c) => {
  const connection = await samlConnection(c)
  const upstream = await readLogoutTicket(gateway(), connection.slug, readQuery(c, ticketQuery()).ticket)
  if (!upstream) return c.redirect('/web/login', 302)
  const { saml } = connection.settings
  const user = {
    issuer: saml?.idp_issuer ?? '',
    nameID: upstream.account,
    nameIDFormat: upstream.nameId?.format ?? 'urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified',
    nameQualifier: upstream.nameId?.nameQualifier,
    spNameQualifier: upstream.nameId?.spNameQualifier,
    sessionIndex: upstream.session,
  }
  return c.redirect(await (await samlOf(gateway(), connection, undefined)).getLogoutUrlAsync(user, '', {}), 302)
})

const message = () => z.optional(z.string().check(z.maxLength(60_000)))
const logoutQuery = once(() =>
  z.object({
    ...{ SAMLRequest: message(), SAMLResponse: message(), RelayState: z.optional(z.string().check(z.maxLength(2000))) },
    ...{ SigAlg: z.optional(z.string().check(z.maxLength(200))), Signature: message() },
  }),
)
const logoutBody = once(() => z.object({ SAMLRequest: message(), SAMLResponse: message(), RelayState: message() }))

type LogoutMessage = z.output<ReturnType<typeof logoutQuery>>

const logoutError = (refusal: Refusal, cause: unknown) =>
  new GatewayError(refusal, { reason: `SAML logout: ${cause instanceof Error ? cause.message : 'invalid'}`, cause })

/**
 * Handles the provider's logout response, or its request to sign a person out here.
 * @param query the signed parameters as received; undefined for a posted message
 */
async function singleLogout(c: AppContext, sent: LogoutMessage, query: string | undefined) {
  const connection = await samlConnection(c)
  const saml = await samlOf(gateway(), connection, undefined)
  const { SAMLRequest, SAMLResponse = '', RelayState = '', SigAlg, Signature } = sent
  const refuse = (cause: unknown): never => {
    throw logoutError('invalid_request', cause)
  }
  const strength = connection.settings.saml?.allow_sha1
    ? /./
    : /^http:\/\/www\.w3\.org\/2001\/04\/xmldsig-more#\w+-sha(256|384|512)$/
  if (SigAlg !== undefined && !strength.test(SigAlg)) refuse(new Error('is signed with SHA-1 or an unknown algorithm'))
  const given = sent as Record<string, string>
  const deflated = query !== undefined
  if (!SAMLRequest) {
    // A response changes nothing: the session here has already ended.
    try {
      await checkLogout(gateway(), connection, { message: SAMLResponse, deflated, kind: 'LogoutResponse' })
      if (deflated && Signature) await saml.validateRedirectAsync(given, query)
      return c.redirect('/web/login', 303)
    } catch (cause) {
      return redirectTo(c, backToSignIn(logoutError('provider_logout_failed', cause)), 302)
    }
  }
  await checkLogout(gateway(), connection, { message: SAMLRequest, deflated, kind: 'LogoutRequest' }).catch(refuse)
  const checking = deflated ? saml.validateRedirectAsync(given, query) : saml.validatePostRequestAsync(given)
  const { profile } = await checking.catch(refuse)
  if (!profile?.nameID || !profile.ID) return refuse(new Error('has no NameID or ID'))
  const until = new Date(Date.now() + 3_600_000)
  if (!(await claimOnce(gateway().reads, 'saml-logout', [connection.slug, profile.ID], until)))
    refuse(new Error('was seen before'))
  const sessions = profile.sessionIndex ? [profile.sessionIndex] : []
  await endUpstreamSessions(c.var.call, connection, { account: profile.nameID, sessions })
  return c.redirect(await saml.getLogoutResponseUrlAsync(profile, RelayState, {}, true), 302)
}

/** Accepts each parameter once and unencoded by name, since the library reads the signed ones from the raw query. */
app.route('GET', `${BASE}/slo`, {
  authority: byProtocol('ceremony'),
  operation: pageOperation('Handles SAML single logout'),
})((c) => {
  const container = readQuery(c, logoutQuery())
  // An unsigned request could sign anyone out.
  if (container.SAMLRequest && !(container.Signature && container.SigAlg))
    throw new GatewayError('invalid_request', { reason: 'unsigned logout request' })
  const signed = new URL(c.req.url).search
    .slice(1)
    .split('&')
    .filter((pair) => Object.hasOwn(logoutQuery().shape, pair.split('=', 1)[0] ?? ''))
  if (signed.length !== Object.keys(container).length)
    throw new GatewayError('invalid_request', { reason: 'encoded parameter name' })
  return singleLogout(c, container, signed.join('&'))
})
app.route('POST', `${BASE}/slo`, {
  authority: byProtocol('ceremony'),
  operation: pageOperation('Handles SAML single logout'),
})(async (c) => singleLogout(c, await readBody(c, logoutBody()), undefined))

export default serve(app)
