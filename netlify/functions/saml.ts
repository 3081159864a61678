import { createHash } from 'node:crypto'
import * as z from 'zod/mini'
import { GatewayError } from '../../shared/errors.ts'
import { gateway } from '../../shared/gateway.ts'
import { type AppContext, createApp } from '../../shared/http/app.ts'
import { readBody, readQuery } from '../../shared/http/body.ts'
import { errorPage } from '../../shared/http/pages/respond.tsx'
import { byProtocol } from '../../shared/http/route.ts'
import { serve } from '../../shared/http/serve.ts'
import { endUpstreamSessions, readLogoutTicket } from '../../shared/identity/provider-logout.ts'
import { recordRefusals } from '../../shared/identity/record-refusals.ts'
import { finishFlow } from '../../shared/identity/sso-finish.ts'
import {
  backToSignIn,
  beginFlow,
  enabledConnection,
  startQuery,
  takeFlow,
  takeProfile,
} from '../../shared/identity/sso-steps.ts'
import { once } from '../../shared/once.ts'
import { claimOnce } from '../../shared/queries/replay-guard.ts'
import { clearFlow, type SsoFlow, sealProfile, writeFlow } from '../../shared/sso/flow.ts'
import { providerFault } from '../../shared/sso/oauth-client.ts'
import { checkConfirmation, profileOfSaml, samlAddress, samlOf } from '../../shared/sso/saml.ts'

const BASE = '/v1/auth/saml/:slug'
const SIGNATURE_ALGORITHMS = [
  ...['rsa-sha256', 'rsa-sha384', 'rsa-sha512', 'ecdsa-sha256', 'ecdsa-sha384', 'ecdsa-sha512'].map(
    (name) => `http://www.w3.org/2001/04/xmldsig-more#${name}`,
  ),
]
const app = createApp('api', { errorPage, around: recordRefusals(gateway) })

async function samlConnection(c: AppContext) {
  const connection = await enabledConnection(gateway(), c.req.param('slug') ?? '')
  if (connection.settings.protocol !== 'saml') throw new GatewayError('provider_unknown')
  return connection
}

/** What the identity provider's operator imports (SAML 2.0 Metadata). */
app.route('GET', `${BASE}/metadata`, { authority: byProtocol('ceremony') }, async (c) => {
  const connection = await samlConnection(c)
  const xml = (await samlOf(gateway(), connection, {})).generateServiceProviderMetadata(null, null)
  return c.body(xml, 200, { 'Content-Type': 'application/samlmetadata+xml' })
})

app.route('GET', `${BASE}/start`, { authority: byProtocol('ceremony') }, async (c) => {
  const connection = await samlConnection(c)
  const query = { ...readQuery(c, startQuery()), provider: connection.slug }
  const flow = await beginFlow(gateway(), c, query, samlAddress(gateway(), connection.slug, 'acs'))
  if (flow instanceof Response) return flow
  const url = await (await samlOf(gateway(), connection, flow)).getAuthorizeUrlAsync(flow.state, undefined, {})
  writeFlow(gateway(), c, flow, { posted: true })
  return c.redirect(url, 302)
})

export const answerForm = once(() =>
  z.object({
    SAMLResponse: z.string('invalid_request').check(z.maxLength(60_000)),
    RelayState: z.optional(z.string().check(z.maxLength(200))),
  }),
)

/** The assertion consumer service: only an answer to the request of this browser counts, and each assertion once. */
app.route('POST', `${BASE}/acs`, { authority: byProtocol('ceremony') }, async (c) => {
  const connection = await samlConnection(c)
  let flow: SsoFlow | undefined
  try {
    const { SAMLResponse, RelayState } = await readBody(c, answerForm())
    flow = await takeFlow(gateway(), c, connection.slug, RelayState ?? null)
    const expected = { requestId: flow.requestId, recipient: flow.callback }
    const saml = await samlOf(gateway(), connection, flow)
    const { profile } = await saml.validatePostResponseAsync({ SAMLResponse }).catch((cause: unknown) => {
      throw providerFault(`SAML: ${cause instanceof Error ? cause.message : 'invalid'}`, cause)
    })
    if (!profile) throw providerFault('SAML: no assertion')
    checkConfirmation(profile, expected)
    const assertion = createHash('sha256')
      .update(profile.getAssertionXml?.() ?? SAMLResponse)
      .digest('hex')
    const until = new Date(Date.now() + 3_600_000)
    if (!(await claimOnce(gateway().reads, 'saml-assertion', [connection.slug, assertion], until)))
      throw providerFault('SAML: assertion seen before')
    const answer = sealProfile(gateway(), flow, profileOfSaml(profile))
    return c.redirect(`/v1/auth/saml/${connection.slug}/acs?${new URLSearchParams({ answer })}`, 303)
  } catch (error) {
    if (flow) clearFlow(c)
    return backToSignIn(c, error, flow)
  }
})

export const finishQuery = once(() =>
  z.object({ answer: z.string('sso_state_invalid').check(z.maxLength(8000, 'sso_state_invalid')) }),
)

/** Finishes the flow with the cookies of this browser, which a page of the provider's site cannot send along. */
app.route('GET', `${BASE}/acs`, { authority: byProtocol('ceremony') }, async (c) => {
  const connection = await samlConnection(c)
  let flow: SsoFlow | undefined
  try {
    const taken = await takeProfile(gateway(), c, connection.slug, readQuery(c, finishQuery()).answer)
    flow = taken.flow
    clearFlow(c)
    return await finishFlow(gateway(), c, connection, flow, taken.profile, 'saml')
  } catch (error) {
    return backToSignIn(c, error, flow)
  }
})

export const ticketQuery = once(() => z.object({ ticket: z.string('not_found').check(z.maxLength(2000, 'not_found')) }))

/** A browser that signed out here signs out at the provider as well. */
app.route('GET', `${BASE}/logout`, { authority: byProtocol('ceremony') }, async (c) => {
  const connection = await samlConnection(c)
  const upstream = await readLogoutTicket(gateway(), connection.slug, readQuery(c, ticketQuery()).ticket)
  if (!upstream) return c.redirect('/web/login', 302)
  const { saml } = connection.settings
  const user = {
    issuer: saml?.idp_issuer ?? '',
    nameID: upstream.account,
    nameIDFormat: 'urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified',
  }
  return c.redirect(await (await samlOf(gateway(), connection, {})).getLogoutUrlAsync(user, '', {}), 302)
})

/** The provider's answer to a logout of ours, or its own request to sign somebody out here. */
async function singleLogout(c: AppContext, container: Record<string, string>, original: string | undefined) {
  const connection = await samlConnection(c)
  const saml = await samlOf(gateway(), connection, {})
  if (!container.SAMLRequest) return c.redirect('/web/login', 303)
  const checked =
    original === undefined ? saml.validatePostRequestAsync(container) : saml.validateRedirectAsync(container, original)
  const { profile } = await checked.catch((cause: unknown) => {
    throw new GatewayError('invalid_request', { reason: 'SAML logout request', cause })
  })
  if (!profile?.nameID || !profile.ID) throw new GatewayError('invalid_request', { reason: 'SAML logout request' })
  const until = new Date(Date.now() + 3_600_000)
  if (!(await claimOnce(gateway().reads, 'saml-logout', [connection.slug, profile.ID], until)))
    throw new GatewayError('invalid_request', { reason: 'seen before' })
  await endUpstreamSessions(gateway(), c, connection, { account: profile.nameID })
  return c.redirect(await saml.getLogoutResponseUrlAsync(profile, container.RelayState ?? '', {}, true), 302)
}

const message = once(() => z.optional(z.string().check(z.maxLength(60_000))))
const logoutQuery = once(() =>
  z.object({
    ...{ SAMLRequest: message(), SAMLResponse: message(), RelayState: z.optional(z.string().check(z.maxLength(2000))) },
    ...{ SigAlg: z.optional(z.enum(SIGNATURE_ALGORITHMS, 'invalid_request')), Signature: message() },
  }),
)
const logoutBody = once(() => z.object({ SAMLRequest: message(), SAMLResponse: message(), RelayState: message() }))

/** Takes each parameter once and in its plain spelling, since the library looks for the signed ones in the text of the query. */
app.route('GET', `${BASE}/slo`, { authority: byProtocol('ceremony') }, (c) => {
  const container = readQuery(c, logoutQuery())
  // Only a signed request says anything: an unsigned one could sign anybody out.
  if (container.SAMLRequest && !(container.Signature && container.SigAlg))
    throw new GatewayError('invalid_request', { reason: 'not signed' })
  const signed = new URL(c.req.url).search
    .slice(1)
    .split('&')
    .filter((pair) => Object.hasOwn(logoutQuery().shape, pair.split('=', 1)[0] ?? ''))
  if (signed.length !== Object.keys(container).length)
    throw new GatewayError('invalid_request', { reason: 'a parameter under another spelling' })
  return singleLogout(c, container as Record<string, string>, signed.join('&'))
})
app.route('POST', `${BASE}/slo`, { authority: byProtocol('ceremony') }, async (c) =>
  singleLogout(c, (await readBody(c, logoutBody())) as Record<string, string>, undefined),
)

export default serve(app)
